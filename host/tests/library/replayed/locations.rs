//! Where the shared files are, and which profile is chosen: the cases of aws-runtime.

use std::sync::Arc;

use keyward::Config;
use keyward_testbed::AccessKeys;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::Value;

use super::services::{self, check_registry_token};
use crate::common::PRIVATE;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn the_shared_files_and_the_profile_are_where_the_aws_sdk_looks_for_them() {
    let document = vectors::json("profile/file-location.json");
    let mut family = Family::new("file locations through the component", 4);
    for case in items(&document["tests"]) {
        family.outcome(case["name"].as_str().unwrap(), check(case).await);
    }
    family.finish("");
}

/// The one is asked for, and the other has the keys that ECR is asked with.
async fn check(case: &Value) -> Result<(), String> {
    let files = ["configLocation", "credentialsLocation"].map(|location| case[location].as_str().unwrap());
    let profile = case["profile"].as_str().unwrap_or("default");
    let keys = format!("[{profile}]\naws_access_key_id = id\naws_secret_access_key = secret\n");
    let world = Arc::new(World::new(services::any).with_file(files[1], keys));
    let mut settings = Config::new();
    for (name, value) in case["environment"].as_object().unwrap() {
        settings = settings.with_variable(name, value.as_str().unwrap());
    }
    world.look_up(settings, PRIVATE).await.map_err(|error| error.to_string())?;
    same("files", &world.asked_files(), &files.map(str::to_owned).to_vec())?;
    let requests = world.requests();
    let [request] = &requests[..] else { return Err(format!("expected one request: {requests:?}")) };
    check_registry_token(request, &AccessKeys::new("id", "secret")).map(drop)
}
