//! Components in WebAssembly's text format, for what no compiler of Rust emits: modules that ask for more than they may
//! have before any of their code runs, and functions that lie to the host about what they return.
//!
//! Each core module here is the text between `(module` and its closing parenthesis. It exports what the component
//! around it needs: `memory`, `cabi_realloc` and `get`.

/// The error's cases, as wit/world.wit has them, in its order.
const TYPES: &str = r#"
    (type $pair (tuple string string))
    (type $pairs (list $pair))
    (type $a-request (record (field "server" string) (field "context" $pairs)))
    (type $time (option u64))
    (type $a-credential (record (field "username" string) (field "secret" string) (field "expires-at" $time)))
    (type $an-error (variant
        (case "not-our-registry")
        (case "no-credentials" string)
        (case "denied" string)
        (case "throttled" string)
        (case "unavailable" string)
        (case "invalid" string)
        (case "other" string)
    ))"#;

/// A memory, of which the host gets the second half for its strings, and the first is for what `get` returns.
const MEMORY: &str = r#"
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 32768))"#;

/// Where [`ANSWER`] lies, and the secret after it.
const GET: &str = r#"(func (export "get") (param i32 i32 i32 i32) (result i32) (i32.const 64))"#;

/// A component that exports the interface `provider` of wit/world.wit, from one core module.
pub(crate) fn provider(core: &str) -> Vec<u8> {
    provider_with(core, "")
}

/// As [`provider`], with more in the component, which can instantiate the module `$core` again.
fn provider_with(core: &str, more: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $core {core})
            (core instance $main (instantiate $core))
            {more}
            {TYPES}
            (type $an-outcome (result $a-credential (error $an-error)))
            (alias core export $main "memory" (core memory $memory))
            (alias core export $main "cabi_realloc" (core func $realloc))
            (alias core export $main "get" (core func $core-get))
            (func $get (param "request" $a-request) (result $an-outcome)
                (canon lift (core func $core-get) (memory $memory) (realloc $realloc)))
            ;; The types of an exported function have names, which the component gives them here.
            (component $interface
                {TYPES}
                (import "request" (type $request (eq $a-request)))
                (import "credential" (type $credential (eq $a-credential)))
                (import "error" (type $error (eq $an-error)))
                (type $outcome (result $credential (error $error)))
                (import "get" (func $get (param "request" $request) (result $outcome)))
                (export $exported-request "request" (type $request))
                (export $exported-credential "credential" (type $credential))
                (export $exported-error "error" (type $error))
                (type $exported-outcome (result $exported-credential (error $exported-error)))
                (export "get" (func $get)
                    (func (param "request" $exported-request) (result $exported-outcome)))
            )
            (instance $provider (instantiate $interface
                (with "request" (type $a-request))
                (with "credential" (type $a-credential))
                (with "error" (type $an-error))
                (with "get" (func $get))
            ))
            (export "keyward:registry-credentials/provider@0.1.0" (instance $provider))
        )"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Bytes of a module's memory, as the text format writes them.
fn words(words: &[u32]) -> String {
    words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
}

/// A component whose `get` returns what these words say: whether it is an error, nothing, and then the credential's
/// strings as addresses and lengths, or the error's case and its string.
fn returning(answer: &[u32]) -> Vec<u8> {
    let answer = words(answer);
    provider(&format!(r#"{MEMORY} {GET} (data (i32.const 64) "{answer}") (data (i32.const 256) "evil\ff\fe")"#))
}

/// It attacks nothing: where the others fail, it is not for the component around them.
pub(crate) fn harmless() -> Vec<u8> {
    returning(&[0, 0, 256, 4, 256, 4, 0, 0, 0, 0])
}

/// A string that is longer than the memory that it should lie in.
pub(crate) fn string_out_of_bounds() -> Vec<u8> {
    returning(&[0, 0, 256, 4, 256, u32::MAX, 0, 0, 0, 0])
}

/// A string that is none.
pub(crate) fn string_that_is_not_text() -> Vec<u8> {
    returning(&[0, 0, 256, 4, 256, 6, 0, 0, 0, 0])
}

/// An error that the interface does not have.
pub(crate) fn unknown_error() -> Vec<u8> {
    returning(&[1, 0, 7, 256, 4, 0, 0, 0, 0, 0])
}

/// An answer that begins where no answer can.
pub(crate) fn answer_out_of_bounds() -> Vec<u8> {
    provider(&format!(r#"{MEMORY} (func (export "get") (param i32 i32 i32 i32) (result i32) (i32.const -8))"#))
}

/// It answers the host's wish for memory with an address that is none.
pub(crate) fn allocation_out_of_bounds() -> Vec<u8> {
    provider(&format!(
        r#"(memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const -8))
        {GET}"#
    ))
}

/// It computes for ever while the host asks it for memory: before the call that is the lookup.
pub(crate) fn allocation_without_end() -> Vec<u8> {
    provider(&format!(
        r#"(memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop $turn (br $turn)) (unreachable))
        {GET}"#
    ))
}

/// It computes for ever while it is instantiated: before there is anything to call.
pub(crate) fn start_without_end() -> Vec<u8> {
    provider(&format!(r#"{MEMORY} {GET} (func $start (loop $turn (br $turn))) (start $start)"#))
}

/// A table that grows for as long as it is let.
pub(crate) fn growing_table() -> Vec<u8> {
    provider(&format!(
        r#"{MEMORY}
        (table $table 0 funcref)
        (func (export "get") (param i32 i32 i32 i32) (result i32)
            (loop $turn
                (drop (table.grow $table (ref.null func) (i32.const 1024)))
                (br $turn)
            )
            (unreachable)
        )"#
    ))
}

/// A table that is large before anything runs: ten million entries are the most that a table may begin with.
pub(crate) fn large_table() -> Vec<u8> {
    provider(&format!("{MEMORY} {GET} (table 10000000 funcref)"))
}

/// A memory that is large before anything runs: 64 MiB.
pub(crate) fn large_memory() -> Vec<u8> {
    provider(&format!(
        r#"(memory (export "memory") 1024)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 32768))
        {GET}"#
    ))
}

/// Memories of which each is small, and all together are 64 MiB.
pub(crate) fn several_memories() -> Vec<u8> {
    let others = "(memory 128)".repeat(8);
    provider(&format!("{MEMORY} {GET} {others}"))
}

/// Hundreds of instances of one module, each of which has a memory of one page.
pub(crate) fn many_instances() -> Vec<u8> {
    provider_with(&format!("{MEMORY} {GET}"), &"(core instance (instantiate $core))".repeat(500))
}

/// Hundreds of instances that have nothing but themselves.
pub(crate) fn many_empty_instances() -> Vec<u8> {
    let empty = format!("(core module $empty) {}", "(core instance (instantiate $empty))".repeat(500));
    provider_with(&format!("{MEMORY} {GET}"), &empty)
}
