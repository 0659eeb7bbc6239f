//! Where the memory of lookups comes from.
//!
//! A resolver that may run many lookups at once has a pool of memories, tables and stacks: the kernel bounds how many mappings a
//! process has (65,530 by default), and memories that are mapped when they are needed reach that bound near 9,500
//! lookups. What a lookup had is given back to the kernel when it ends, and its place in the pool is empty again. A resolver for
//! a few lookups at once, as the command has it, does without: the pool would cost more than it saves.

use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::engine::configuration::configuration;

/// From how many lookups on there is a pool.
const POOL_FROM: usize = 64;

/// What a guest may use of stack before it traps, and what the host's calls have beside that.
const WASM_STACK_BYTES: usize = 512 * 1024;
const HOST_STACK_BYTES: usize = 512 * 1024;

/// What one component may have: core instances are the guest itself and the adapters around it. The one that is built in has
/// one memory; one that is composed of others has one of each, and fewer lookups of it fit in.
const CORE_INSTANCES: u32 = 16;
const MEMORIES: u32 = 4;
const TABLES: u32 = 4;

/// An engine for so many lookups at once. A component that is not the one that is built in has a pool in any case: what it
/// wants of it is judged when it is loaded, and not in each lookup.
pub(crate) fn engine(max_live_lookups: usize, is_built_in: bool) -> wasmtime::Result<Engine> {
    let mut configuration = configuration();
    configuration
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(WASM_STACK_BYTES + HOST_STACK_BYTES)
        // What host calls left on a stack may be a secret, and the memory goes back to the kernel.
        .async_stack_zeroing(true);
    if max_live_lookups < POOL_FROM && is_built_in {
        return Engine::new(&configuration);
    }
    let lookups = u32::try_from(max_live_lookups.max(POOL_FROM)).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(lookups)
        .total_core_instances(lookups.saturating_mul(CORE_INSTANCES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_memories(lookups)
        .max_memories_per_component(MEMORIES)
        .total_tables(lookups.saturating_mul(TABLES))
        .max_tables_per_component(TABLES)
        .total_stacks(lookups);
    let mut pooled = configuration.clone();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&pooled).or_else(|cause| {
        // Where addresses are scarce (ulimit -v, small processors), lookups work all the same; fewer at once.
        tracing::debug!(%cause, "no pool");
        Engine::new(&configuration)
    })
}
