//! Which files a lookup sees: exactly those that the settings name, read only, bounded, and nothing beside them.
//!
//! This is `wasi:filesystem` with a table instead of a file system behind it. The guest finds one folder, `/`, and opens
//! granted paths in it; every other path does not exist. A file is read when it is opened, whole, by [`read`], which takes
//! regular files only and opens them without waiting: a named pipe in the place of a file would otherwise hold a thread
//! for ever.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use crate::config::Config;
use crate::engine::bindings::wasi::filesystem::{preopens, types};
use types::{DescriptorType, ErrorCode};

/// The settings that name a file, and the file below the home folder that takes the place of an unset one.
pub(crate) const FILE_SETTINGS: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")];

/// The most bytes that a file may have.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The files that lookups may read, by their absolute paths.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    granted: Arc<BTreeSet<String>>,
}

impl Files {
    /// The files that the settings name. Paths that are not UTF-8 cannot be named by a setting.
    pub(crate) fn new(config: &Config) -> Self {
        let below_home = |path: &str| {
            let home = config.variable("HOME")?;
            Some(format!("{}/{path}", home.trim_end_matches('/')))
        };
        let granted = FILE_SETTINGS.into_iter().filter_map(|(variable, default)| {
            let named = config.variable(variable);
            let path = match named.map(|path| (path, path.strip_prefix("~/"))) {
                None => below_home(default)?,
                Some((_, Some(path))) => below_home(path)?,
                Some((path, None)) => path.to_owned(),
            };
            path::absolute(path).ok()?.into_os_string().into_string().ok()
        });
        Self { granted: Arc::new(granted.collect()) }
    }
}

/// An open file, or the one folder.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub enum Descriptor {
    File(Bytes),
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
    pub(crate) files: &'a Files,
    pub(crate) table: &'a mut ResourceTable,
}

type Fallible<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl preopens::Host for View<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        Ok(vec![(self.table.push(Descriptor::Root)?, "/".to_owned())])
    }
}

impl types::Host for View<'_> {
    fn filesystem_error_code(&mut self, _error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        // The streams of files are already in memory: they have no errors.
        Ok(None)
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
        let writes = types::DescriptorFlags::WRITE | types::DescriptorFlags::MUTATE_DIRECTORY;
        if flags.intersects(writes) || open_flags.intersects(types::OpenFlags::CREATE | types::OpenFlags::TRUNCATE) {
            return Ok(Err(ErrorCode::ReadOnly));
        }
        let path = format!("/{}", path.trim_start_matches('/'));
        if !self.files.granted.contains(&path) {
            return Ok(Err(ErrorCode::NoEntry));
        }
        // A folder that is not there any more, or a disk that has to spin up, must not hold the executor.
        let content = tokio::task::spawn_blocking(move || read(&path)).await?;
        match content {
            Ok(content) => Ok(Ok(self.table.push(Descriptor::File(content.into()))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: types::Filesize,
    ) -> Fallible<Resource<DynInputStream>> {
        let Descriptor::File(content) = self.table.get(&descriptor)? else { return Ok(Err(ErrorCode::IsDirectory)) };
        let rest = content.slice(from(content, offset)..);
        let stream: DynInputStream = Box::new(MemoryInputPipe::new(rest));
        Ok(Ok(self.table.push(stream)?))
    }

    fn read(
        &mut self,
        descriptor: Resource<Descriptor>,
        length: types::Filesize,
        offset: types::Filesize,
    ) -> Fallible<(Vec<u8>, bool)> {
        let Descriptor::File(content) = self.table.get(&descriptor)? else { return Ok(Err(ErrorCode::IsDirectory)) };
        let begin = from(content, offset);
        let end = begin.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(content.len());
        Ok(Ok((content[begin..end].to_vec(), end == content.len())))
    }

    fn stat(&mut self, descriptor: Resource<Descriptor>) -> Fallible<types::DescriptorStat> {
        let (type_, size) = match self.table.get(&descriptor)? {
            Descriptor::File(content) => (DescriptorType::RegularFile, content.len() as u64),
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
            Descriptor::File(_) => DescriptorType::RegularFile,
            Descriptor::Root => DescriptorType::Directory,
        }))
    }

    fn get_flags(&mut self, _descriptor: Resource<Descriptor>) -> Fallible<types::DescriptorFlags> {
        Ok(Ok(types::DescriptorFlags::READ))
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
        _descriptor: Resource<Descriptor>,
        _offset: types::Filesize,
    ) -> Fallible<Resource<DynOutputStream>> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn append_via_stream(&mut self, _descriptor: Resource<Descriptor>) -> Fallible<Resource<DynOutputStream>> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn write(
        &mut self,
        _descriptor: Resource<Descriptor>,
        _buffer: Vec<u8>,
        _offset: types::Filesize,
    ) -> Fallible<types::Filesize> {
        Ok(Err(ErrorCode::ReadOnly))
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

    fn sync(&mut self, _descriptor: Resource<Descriptor>) -> Fallible<()> {
        Ok(Ok(()))
    }

    fn sync_data(&mut self, _descriptor: Resource<Descriptor>) -> Fallible<()> {
        Ok(Ok(()))
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

/// An offset of the guest, within a content.
fn from(content: &Bytes, offset: types::Filesize) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX).min(content.len())
}

/// The content of a regular file of at most [`MAX_FILE_BYTES`].
fn read(path: &str) -> Result<Vec<u8>, ErrorCode> {
    let file = open(path).map_err(|error| error_code(&error))?;
    // What was opened is asked, and not the path, which may lead elsewhere by now.
    let kind = file.metadata().map_err(|error| error_code(&error))?;
    if kind.is_dir() {
        return Err(ErrorCode::IsDirectory);
    }
    if !kind.is_file() {
        return Err(ErrorCode::NotPermitted);
    }
    let mut content = Vec::new();
    // One byte more than allowed shows a file that is too large, also one that grows meanwhile.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(|error| error_code(&error))?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(ErrorCode::FileTooLarge);
    }
    Ok(content)
}

/// Opens a file without waiting for whoever may hold the other end of it.
fn open(path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.open(path)
}

fn error_code(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorCode::NoEntry,
        io::ErrorKind::PermissionDenied => ErrorCode::Access,
        io::ErrorKind::IsADirectory => ErrorCode::IsDirectory,
        _ => ErrorCode::Io,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_settings_grant_the_files_that_they_name_and_no_other() {
        let files = Files::new(
            &Config::new()
                .with_variable("HOME", "/home/user")
                .with_variable("AWS_CONFIG_FILE", "/etc/aws/config")
                .with_variable("AWS_CA_BUNDLE", "/etc/bundle"),
        );
        assert_eq!(files.granted.iter().collect::<Vec<_>>(), ["/etc/aws/config", "/home/user/.aws/credentials"]);
        assert!(Files::new(&Config::new()).granted.is_empty());
    }

    #[test]
    fn a_regular_file_is_read_up_to_the_limit_and_not_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let path = path.to_str().unwrap();
        fs::write(path, vec![b'x'; MAX_FILE_BYTES as usize]).unwrap();
        assert_eq!(read(path).unwrap().len() as u64, MAX_FILE_BYTES);
        fs::write(path, vec![b'x'; MAX_FILE_BYTES as usize + 1]).unwrap();
        assert_eq!(read(path), Err(ErrorCode::FileTooLarge));
    }

    #[test]
    fn what_is_not_a_regular_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path().to_str().unwrap()), Err(ErrorCode::IsDirectory));
        assert_eq!(read("/no/such/file"), Err(ErrorCode::NoEntry));
        assert_eq!(read("/dev/null"), Err(ErrorCode::NotPermitted));
    }

    /// Opening a named pipe that nobody writes to waits for ever, unless it is opened without waiting.
    #[test]
    fn a_named_pipe_is_refused_and_does_not_hold_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert_eq!(read(path.to_str().unwrap()), Err(ErrorCode::NotPermitted));
    }
}
