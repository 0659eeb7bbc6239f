//! Pulls an image: `cargo run --release -p keyward-oci-client --example pull -- IMAGE [FOLDER]`.
//!
//! With a folder, the manifest and every layer are written to it; without one, the first layer is pulled, and thrown away.

use std::error::Error;
use std::path::{Path, PathBuf};

use keyward::Resolver;
use keyward_oci_client::oci_client::Reference;
use keyward_oci_client::oci_client::client::{ClientConfig, ClientProtocol};
use keyward_oci_client::oci_client::manifest::{
    IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest,
};
use keyward_oci_client::{Access, Clients, is_refusal};
use tokio::fs::{self, File};

/// What a manifest of one image may be.
const MANIFESTS: &[&str] = &[OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let image: Reference = arguments.next().ok_or("name an image: pull IMAGE [FOLDER]")?.parse()?;
    let folder = arguments.next().map(PathBuf::from);

    // With oci-client's feature `rustls-tls`, there would be nothing to install.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let clients = Clients::new(Resolver::builder().build()?, client_config);

    let (access, manifest, digest) = pull_manifest(&clients, &image).await?;
    println!("{image}: {} layers, {digest}", manifest.layers.len());
    match &folder {
        Some(folder) => {
            fs::create_dir_all(folder).await?;
            let image = image.clone_with_digest(digest);
            let (manifest_as_it_is, _) = access.client.pull_manifest_raw(&image, &access.auth, MANIFESTS).await?;
            fs::write(folder.join("manifest.json"), manifest_as_it_is).await?;
            for layer in &manifest.layers {
                pull_layer(&access, &image, layer, folder).await?;
            }
        }
        None => {
            let layer = manifest.layers.first().ok_or("the image has no layer")?;
            access.client.pull_blob(&image, layer, tokio::io::sink()).await?;
            println!("{}: {} bytes, as its digest says", layer.digest, layer.size);
        }
    }
    Ok(())
}

/// Registries on this machine have no certificate, as a rule.
fn client_config(registry: &str) -> ClientConfig {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let is_local = ["localhost", "127.0.0.1"].contains(&host);
    let protocol = if is_local { ClientProtocol::Http } else { ClientProtocol::Https };
    ClientConfig { protocol, ..ClientConfig::default() }
}

/// Pulls the manifest and its digest, of an image for several platforms those of this one. A credential that the registry refuses is
/// replaced once: it may have been revoked.
async fn pull_manifest(
    clients: &Clients,
    image: &Reference,
) -> Result<(Access, OciImageManifest, String), Box<dyn Error>> {
    let access = log_in(clients, image).await?;
    let error = match access.client.pull_image_manifest(image, &access.auth).await {
        Ok((manifest, digest)) => return Ok((access, manifest, digest)),
        Err(error) => error,
    };
    if !is_refusal(&error) {
        return Err(error.into());
    }
    if let Some(reason) = &access.anonymous_because {
        return Err(format!("the registry wants a credential ({error}), and there is none: {reason}").into());
    }
    clients.refused(image, &access.auth);
    let access = log_in(clients, image).await?;
    let (manifest, digest) = access.client.pull_image_manifest(image, &access.auth).await?;
    Ok((access, manifest, digest))
}

async fn log_in(clients: &Clients, image: &Reference) -> Result<Access, keyward_oci_client::Error> {
    let access = clients.of(image).await?;
    match &access.anonymous_because {
        None => println!("logged in to {}", image.resolve_registry()),
        Some(reason) => println!("without a credential: {reason}"),
    }
    Ok(access)
}

/// Writes a layer to a file that is called by its digest. The client compares the digest with what it has received. A registry may
/// call a layer anything: what is no digest would be the name of another file.
async fn pull_layer(
    access: &Access,
    image: &Reference,
    layer: &OciDescriptor,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digest = layer.digest.split_once(':').filter(|(algorithm, hash)| is_word(algorithm) && is_word(hash));
    let (algorithm, hash) =
        digest.ok_or_else(|| format!("{:?} is no digest: ask whoever has pushed the image", layer.digest))?;
    let file = folder.join(format!("{algorithm}-{hash}"));
    access.client.pull_blob(image, layer, File::create(&file).await?).await?;
    println!("{}: {} bytes", file.display(), layer.size);
    Ok(())
}
