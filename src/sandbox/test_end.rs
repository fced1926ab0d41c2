//! The end of a test. A failed test prints what happened in its world. With `fail_on_unused` a test fails if it left
//! something unused.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::base::ApiKey;
use crate::control::{self, Context};

/// All clones of a `World` share it. It acts when the last of them is dropped.
pub(super) struct TestEnd {
    context: Arc<Context>,
    key: ApiKey,
    fails_on_unused: AtomicBool,
}

impl TestEnd {
    pub(super) fn new(context: Arc<Context>, key: ApiKey) -> Self {
        Self {
            context,
            key,
            fails_on_unused: AtomicBool::new(false),
        }
    }

    pub(super) fn fail_on_unused(&self) {
        self.fails_on_unused.store(true, Ordering::Relaxed);
    }

    /// What is unused, in sentences, if that is a failure. It is one only once.
    pub(super) fn take_failure(&self) -> Option<String> {
        if !self.fails_on_unused.swap(false, Ordering::Relaxed) {
            return None;
        }
        let unused = self.context.engine.worlds.get(&self.key)?.unused();
        let lines = unused.sentences.iter().map(|line| format!("\n  {line}"));
        (!unused.is_empty()).then(|| unused.message() + ":" + &lines.collect::<String>())
    }
}

impl fmt::Debug for TestEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestEnd")
    }
}

impl Drop for TestEnd {
    fn drop(&mut self) {
        if !thread::panicking() {
            if let Some(failure) = self.take_failure() {
                panic!("{failure}");
            }
            return;
        }
        if let Some(world) = self.context.engine.worlds.get(&self.key) {
            eprintln!("{}", control::summary(&self.context, &world).trim_end());
        }
    }
}
