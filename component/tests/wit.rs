//! The WIT package that is released: the interface that the component has.

use std::fs;
use std::path::Path;

use wit_component::{DecodedWasm, OutputToString, WitPrinter};
use wit_parser::{PackageId, Resolve, WorldItem, WorldKey};

const WORLD: &str = "credential-provider";

#[test]
fn the_package_is_named_by_the_interface_and_has_what_wkg_toml_says() {
    let package = keyward_component::wit::package().unwrap();
    assert_eq!((package.name.as_str(), package.version.as_str()), ("keyward:registry-credentials", "0.1.0"));
    let manifest = fs::read_to_string(keyward_component::workspace().join("wkg.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let metadata = manifest["metadata"].as_table().unwrap();
    assert!(metadata.len() >= 3, "{metadata:?}");
    for text in metadata.values().map(|value| value.as_str().unwrap()) {
        assert!(contains(&package.bytes, text.as_bytes()), "{text} is not in the package");
    }
}

#[test]
fn the_package_is_what_the_component_was_compiled_with() {
    let (package, package_id) = decode_package();
    let component = fs::read(build_component()).unwrap();
    let DecodedWasm::Component(component, world) = wit_component::decode(&component).unwrap() else {
        panic!("the component is a package")
    };

    // What it exports, type for type.
    let exported = &component.worlds[world].exports;
    let [interface] = exported.values().collect::<Vec<_>>()[..] else { panic!("{exported:?}") };
    let WorldItem::Interface { id, .. } = interface else { panic!("{interface:?}") };
    let provider = &component.interfaces[*id];
    let of_component = interfaces(component.clone(), provider.package.unwrap());
    assert!(of_component.contains("get: func(request: request) -> result<credential, error>;"), "{of_component}");
    assert_eq!(of_component, interfaces(package.clone(), package_id));

    // What it imports, but for what the standard library reaches for by itself, is what the package's world grants.
    let granted: Vec<String> = imports(&package, package.packages[package_id].worlds[WORLD]);
    let own = ["wasi:cli/", "wasi:clocks/", "wasi:io/"];
    for import in imports(&component, world) {
        let known = granted.contains(&import) || own.iter().any(|name| import.starts_with(name));
        assert!(known || import.starts_with("keyward:registry-credentials/types@"), "{import} is not in the package");
    }
    for import in ["wasi:filesystem/types@0.2.12", "wasi:http/outgoing-handler@0.2.12"] {
        assert!(granted.iter().any(|granted| granted == import), "{import} is not in {granted:?}");
    }
}

#[test]
fn two_packages_of_the_same_files_are_the_same_bytes() {
    let package = || keyward_component::wit::package().unwrap().bytes;
    assert_eq!(package(), package());
}

fn decode_package() -> (Resolve, PackageId) {
    let bytes = keyward_component::wit::package().unwrap().bytes;
    match wit_component::decode(&bytes).unwrap() {
        DecodedWasm::WitPackage(resolve, id) => (resolve, id),
        DecodedWasm::Component(..) => panic!("the package is a component"),
    }
}

/// Where the host's build script builds it too.
fn build_component() -> std::path::PathBuf {
    let target_folder = Path::new(env!("CARGO_BIN_EXE_wit-package")).ancestors().nth(2).unwrap();
    keyward_component::build(&target_folder.join("guest")).unwrap_or_else(|error| panic!("{error}"))
}

/// The interfaces of a package, without comments and worlds, of which a component has its own, and with their types in the order of the alphabet,
/// since a component has them in the order in which they are used.
fn interfaces(mut resolve: Resolve, package: PackageId) -> String {
    resolve.packages[package].worlds.clear();
    for interface in resolve.packages[package].interfaces.clone().into_values() {
        resolve.interfaces[interface].types.sort_keys();
    }
    let mut printer = WitPrinter::<OutputToString>::default();
    printer.emit_docs(false).print(&resolve, package, &[]).unwrap();
    printer.output.to_string()
}

fn imports(resolve: &Resolve, world: wit_parser::WorldId) -> Vec<String> {
    let keys = resolve.worlds[world].imports.keys().filter(|key| matches!(key, WorldKey::Interface(_)));
    keys.map(|key| resolve.name_world_key(key)).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
