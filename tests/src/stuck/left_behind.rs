//! What thousands of lookups leave behind that were given up.

use std::time::Duration;

use tokio::task::JoinSet;

use super::{Held, emit, mebibytes, met, milliseconds};
use crate::resident_bytes;

/// How many are under way at any time.
pub const AT_ONCE: usize = 500;

/// After which a lookup is given up.
pub const GIVEN_UP_AFTER: Duration = Duration::from_millis(100);

/// How long is waited until nothing is left that was not there before; what counts is what is left after a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins so many lookups and gives them up, and prints two rows: what was held before and afterwards, and what was resident at
/// every tenth of them. `give_up` is called with a lookup's number, and says whether the lookup has failed before it was given up.
///
/// # Panics
///
/// If one of them panics.
pub async fn give_up_all<GivenUp>(lookups: usize, give_up: impl Fn(usize) -> GivenUp)
where
    GivenUp: Future<Output = bool> + Send + 'static,
{
    let before = Held::at_rest().await;
    let resident = || resident_bytes().expect("only Linux tells what is resident");
    let (mut tenths, mut begun, mut ended) = (vec![resident()], 0, 0);
    let mut failed = 0;
    let mut under_way = JoinSet::new();
    while ended < lookups {
        // Beyond the last, so that as many are under way at every tenth.
        while under_way.len() < AT_ONCE {
            under_way.spawn(give_up(begun));
            begun += 1;
        }
        let has_failed = under_way.join_next().await.expect("some are under way").expect("no lookup panics");
        failed += usize::from(has_failed);
        ended += 1;
        if ended % (lookups / 10) == 0 {
            tenths.push(resident());
        }
    }
    under_way.join_all().await;
    let at_end = Held::now();
    let back = Held::is_back(before, Duration::from_secs(1)).await;
    let left = Held::now().above(before);
    let back = match back {
        Some(time) => milliseconds(time),
        None => match Held::is_back(before, PATIENCE).await {
            Some(time) => format!("{:.1} s", 1.0 + time.as_secs_f64()),
            None => format!("not in {} s", PATIENCE.as_secs()),
        },
    };
    emit([
        "held".to_owned(),
        before.cell(),
        at_end.cell(),
        left.cell(),
        back,
        failed.to_string(),
        met(left.is_nothing()),
    ]);
    let slope = slope(&tenths[5..]) / (lookups as f64 / 10.0 / 1_000.0) / 1024.0;
    let cells = tenths.iter().map(|&bytes| mebibytes(bytes)).chain([format!("{slope:.1}")]);
    emit(["resident".to_owned()].into_iter().chain(cells));
}

/// How much more there is from one value to the next, by the least squares.
fn slope(values: &[usize]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<usize>() as f64 / count;
    let distances = || (0..values.len()).map(|index| index as f64 - (count - 1.0) / 2.0);
    let together: f64 = distances().zip(values).map(|(distance, &value)| distance * (value as f64 - mean)).sum();
    together / distances().map(|distance| distance * distance).sum::<f64>()
}
