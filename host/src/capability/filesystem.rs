//! `wasi:filesystem` with a table instead of a file system behind it. The guest finds one folder, `/`, and opens granted paths
//! in it. A file is read whole when it is opened, and no folder can be listed. Of a file that may be replaced the new content is
//! gathered, and put in the old one's place when it is synchronised.

use std::io;

use bytes::Bytes;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use crate::capability::files::{self, Files};
use crate::capability::meter::Meter;
use crate::capability::profiles::OfLookup;
use crate::capability::replacement::{MAX_REPLACEMENT_BYTES, Replacement, TooLarge};
use crate::engine::bindings::wasi::filesystem::{preopens, types};
use types::{DescriptorType, ErrorCode};

/// An open file, or the one folder.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub enum Descriptor {
    File(Bytes),
    Replacement(Replacement),
    Root,
}

/// Folders are never listed, so there is no stream of entries.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub enum DirectoryEntryStream {}

/// The key to [`View`] for the linker.
pub(crate) struct Filesystem;

impl HasData for Filesystem {
    type Data<'a> = View<'a>;
}

/// The files and the descriptors of one store.
pub(crate) struct View<'a> {
    pub(crate) bytes_left: &'a mut u64,
    pub(crate) files: &'a Files,
    pub(crate) meter: &'a Meter,
    pub(crate) profiles: &'a OfLookup,
    pub(crate) table: &'a mut ResourceTable,
}

type Fallible<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl preopens::Host for View<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        Ok(vec![(self.table.push(Descriptor::Root)?, "/".to_owned())])
    }
}

impl types::Host for View<'_> {
    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        // The streams of files are in memory: they have no other errors.
        Ok(self.table.get(&error)?.is::<TooLarge>().then_some(ErrorCode::FileTooLarge))
    }
}

impl types::HostDescriptor for View<'_> {
    async fn open_at(
        &mut self,
        _folder: Resource<Descriptor>,
        _path_flags: types::PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> Fallible<Resource<Descriptor>> {
        let path = files::opened(&path);
        let writes = types::DescriptorFlags::WRITE | types::DescriptorFlags::MUTATE_DIRECTORY;
        if flags.intersects(writes) || open_flags.intersects(types::OpenFlags::CREATE | types::OpenFlags::TRUNCATE) {
            return self.open_replacement(&path, open_flags, flags).await;
        }
        let path = if self.files.grants(&path) { Some(path) } else { self.profiles.file(&path).await };
        let Some(path) = path else { return Ok(Err(ErrorCode::NotPermitted)) };
        let _waiting = self.meter.file(&path);
        match self.files.open(&path).await {
            Ok(content) => {
                if !self.charge(content.len()) {
                    return Ok(Err(ErrorCode::InsufficientMemory));
                }
                Ok(Ok(self.table.push(Descriptor::File(content))?))
            }
            Err(error) => Ok(Err(error_code(&error))),
        }
    }

    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: types::Filesize,
    ) -> Fallible<Resource<DynInputStream>> {
        let content = match self.table.get(&descriptor)?.content() {
            Ok(content) => content,
            Err(code) => return Ok(Err(code)),
        };
        let rest = content.slice(clamp(content, offset)..);
        let stream: DynInputStream = Box::new(MemoryInputPipe::new(rest));
        Ok(Ok(self.table.push(stream)?))
    }

    fn read(
        &mut self,
        descriptor: Resource<Descriptor>,
        length: types::Filesize,
        offset: types::Filesize,
    ) -> Fallible<(Vec<u8>, bool)> {
        let content = match self.table.get(&descriptor)?.content() {
            Ok(content) => content,
            Err(code) => return Ok(Err(code)),
        };
        let begin = clamp(content, offset);
        let end = begin.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(content.len());
        Ok(Ok((content[begin..end].to_vec(), end == content.len())))
    }

    fn stat(&mut self, descriptor: Resource<Descriptor>) -> Fallible<types::DescriptorStat> {
        let (type_, size) = match self.table.get(&descriptor)? {
            Descriptor::File(content) => (DescriptorType::RegularFile, content.len() as u64),
            Descriptor::Replacement(replacement) => (DescriptorType::RegularFile, replacement.len() as u64),
            Descriptor::Root => (DescriptorType::Directory, 0),
        };
        Ok(Ok(types::DescriptorStat {
            type_,
            link_count: 1,
            size,
            data_access_timestamp: None,
            data_modification_timestamp: None,
            status_change_timestamp: None,
        }))
    }

    fn get_type(&mut self, descriptor: Resource<Descriptor>) -> Fallible<DescriptorType> {
        Ok(Ok(match self.table.get(&descriptor)? {
            Descriptor::File(_) | Descriptor::Replacement(_) => DescriptorType::RegularFile,
            Descriptor::Root => DescriptorType::Directory,
        }))
    }

    fn get_flags(&mut self, descriptor: Resource<Descriptor>) -> Fallible<types::DescriptorFlags> {
        Ok(Ok(match self.table.get(&descriptor)? {
            Descriptor::File(_) | Descriptor::Root => types::DescriptorFlags::READ,
            Descriptor::Replacement(_) => types::DescriptorFlags::WRITE,
        }))
    }

    fn is_same_object(&mut self, one: Resource<Descriptor>, other: Resource<Descriptor>) -> wasmtime::Result<bool> {
        Ok(one.rep() == other.rep())
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.table.delete(descriptor)?;
        Ok(())
    }

    fn advise(
        &mut self,
        _descriptor: Resource<Descriptor>,
        _offset: types::Filesize,
        _length: types::Filesize,
        _advice: types::Advice,
    ) -> Fallible<()> {
        Ok(Ok(()))
    }

    fn stat_at(
        &mut self,
        _folder: Resource<Descriptor>,
        _path_flags: types::PathFlags,
        _path: String,
    ) -> Fallible<types::DescriptorStat> {
        Ok(Err(ErrorCode::Unsupported))
    }

    fn metadata_hash(&mut self, _descriptor: Resource<Descriptor>) -> Fallible<types::MetadataHashValue> {
        Ok(Err(ErrorCode::Unsupported))
    }

    fn metadata_hash_at(
        &mut self,
        _folder: Resource<Descriptor>,
        _path_flags: types::PathFlags,
        _path: String,
    ) -> Fallible<types::MetadataHashValue> {
        Ok(Err(ErrorCode::Unsupported))
    }

    fn read_directory(&mut self, _folder: Resource<Descriptor>) -> Fallible<Resource<DirectoryEntryStream>> {
        Ok(Err(ErrorCode::Unsupported))
    }

    fn readlink_at(&mut self, _folder: Resource<Descriptor>, _path: String) -> Fallible<String> {
        Ok(Err(ErrorCode::Unsupported))
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: types::Filesize,
    ) -> Fallible<Resource<DynOutputStream>> {
        self.write_stream(&descriptor, Some(offset))
    }

    fn append_via_stream(&mut self, descriptor: Resource<Descriptor>) -> Fallible<Resource<DynOutputStream>> {
        self.write_stream(&descriptor, None)
    }

    fn write(
        &mut self,
        descriptor: Resource<Descriptor>,
        buffer: Vec<u8>,
        offset: types::Filesize,
    ) -> Fallible<types::Filesize> {
        let Descriptor::Replacement(replacement) = self.table.get(&descriptor)? else {
            return Ok(Err(ErrorCode::ReadOnly));
        };
        let written = replacement.write(&buffer, offset).map(|()| buffer.len() as u64);
        Ok(written.map_err(|TooLarge| ErrorCode::FileTooLarge))
    }

    fn set_size(&mut self, _descriptor: Resource<Descriptor>, _size: types::Filesize) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn set_times(
        &mut self,
        _descriptor: Resource<Descriptor>,
        _access: types::NewTimestamp,
        _modification: types::NewTimestamp,
    ) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn set_times_at(
        &mut self,
        _folder: Resource<Descriptor>,
        _path_flags: types::PathFlags,
        _path: String,
        _access: types::NewTimestamp,
        _modification: types::NewTimestamp,
    ) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    async fn sync(&mut self, descriptor: Resource<Descriptor>) -> Fallible<()> {
        let Descriptor::Replacement(replacement) = self.table.get(&descriptor)? else { return Ok(Ok(())) };
        let Some(content) = replacement.unsaved() else { return Ok(Ok(())) };
        let _waiting = self.meter.file(replacement.path());
        let saved = self.files.replace(replacement.path(), content).await;
        Ok(saved.map(|()| replacement.set_saved()).map_err(|error| error_code(&error)))
    }

    async fn sync_data(&mut self, descriptor: Resource<Descriptor>) -> Fallible<()> {
        types::HostDescriptor::sync(self, descriptor).await
    }

    fn create_directory_at(&mut self, _folder: Resource<Descriptor>, _path: String) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn link_at(
        &mut self,
        _folder: Resource<Descriptor>,
        _path_flags: types::PathFlags,
        _path: String,
        _new_folder: Resource<Descriptor>,
        _new_path: String,
    ) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn remove_directory_at(&mut self, _folder: Resource<Descriptor>, _path: String) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn rename_at(
        &mut self,
        _folder: Resource<Descriptor>,
        _path: String,
        _new_folder: Resource<Descriptor>,
        _new_path: String,
    ) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn symlink_at(&mut self, _folder: Resource<Descriptor>, _path: String, _new_path: String) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn unlink_file_at(&mut self, _folder: Resource<Descriptor>, _path: String) -> Fallible<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }
}

impl types::HostDirectoryEntryStream for View<'_> {
    fn read_directory_entry(
        &mut self,
        _stream: Resource<DirectoryEntryStream>,
    ) -> Fallible<Option<types::DirectoryEntry>> {
        Ok(Ok(None))
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}

impl View<'_> {
    /// New content for a file, where that may be replaced.
    async fn open_replacement(
        &mut self,
        path: &str,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> Fallible<Resource<Descriptor>> {
        use types::{DescriptorFlags, OpenFlags};
        // Of the flag for changes in folders, which the component's standard library sets too, a file makes nothing.
        let is_replacement = flags.contains(DescriptorFlags::WRITE)
            && !flags.contains(DescriptorFlags::READ)
            && open_flags.contains(OpenFlags::TRUNCATE)
            && !open_flags.intersects(OpenFlags::DIRECTORY | OpenFlags::EXCLUSIVE);
        let path = if is_replacement { self.profiles.replaceable(path).await } else { None };
        let Some(path) = path else { return Ok(Err(ErrorCode::ReadOnly)) };
        if !self.charge(MAX_REPLACEMENT_BYTES) {
            return Ok(Err(ErrorCode::InsufficientMemory));
        }
        Ok(Ok(self.table.push(Descriptor::Replacement(Replacement::new(path)))?))
    }

    fn write_stream(
        &mut self,
        descriptor: &Resource<Descriptor>,
        offset: Option<types::Filesize>,
    ) -> Fallible<Resource<DynOutputStream>> {
        let Descriptor::Replacement(replacement) = self.table.get(descriptor)? else {
            return Ok(Err(ErrorCode::ReadOnly));
        };
        let stream = replacement.stream(offset);
        Ok(Ok(self.table.push(stream)?))
    }

    /// Takes bytes of the host's memory from what the lookup may have; whether they were there.
    fn charge(&mut self, bytes: usize) -> bool {
        let left = self.bytes_left.checked_sub(bytes as u64);
        *self.bytes_left = left.unwrap_or(*self.bytes_left);
        left.is_some()
    }
}

impl Descriptor {
    fn content(&self) -> Result<&Bytes, ErrorCode> {
        match self {
            Self::File(content) => Ok(content),
            Self::Replacement(_) => Err(ErrorCode::NotPermitted),
            Self::Root => Err(ErrorCode::IsDirectory),
        }
    }
}

/// An offset of the guest, brought within a content.
fn clamp(content: &Bytes, offset: types::Filesize) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX).min(content.len())
}

fn error_code(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ErrorCode::FileTooLarge,
        io::ErrorKind::IsADirectory => ErrorCode::IsDirectory,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorCode::NoEntry,
        io::ErrorKind::PermissionDenied => ErrorCode::Access,
        io::ErrorKind::QuotaExceeded => ErrorCode::Quota,
        io::ErrorKind::ReadOnlyFilesystem => ErrorCode::ReadOnly,
        io::ErrorKind::ResourceBusy => ErrorCode::Busy,
        io::ErrorKind::StorageFull => ErrorCode::InsufficientSpace,
        io::ErrorKind::Unsupported => ErrorCode::Unsupported,
        _ => ErrorCode::Io,
    }
}
