use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sd_engine::Library;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::artist::{Artist, Failure};
use crate::error::ServeError;
use crate::guard::{GuardedListener, Peer};
use crate::metrics::Metrics;
use crate::options::ServeOptions;
use crate::queue::{Device, Queue};
use crate::router::router;
use crate::state::App;
use crate::store::Store;

/// How long connections may take to end once nothing is drawn any more.
const FAREWELL: Duration = Duration::from_secs(3);

/// A server that draws.
pub struct Server {
    app: App,
    device: Device,
}

impl Server {
    /// Opens the store, and takes up the jobs that an earlier server left there. `open` makes what draws: one at the start to draw,
    /// one to check jobs meanwhile, and another whenever one failed.
    ///
    /// # Errors
    ///
    /// If the store cannot be opened, for example because another server has it, and if nothing can be drawn.
    pub fn new(
        options: ServeOptions,
        library: Arc<Library>,
        mut open: impl FnMut() -> Result<Box<dyn Artist>, Failure> + Send + 'static,
    ) -> Result<Self, ServeError> {
        let failed = |failure: Failure| ServeError::Artist(failure.to_string());
        let options = Arc::new(options);
        let metrics = Arc::new(Metrics::new());
        let store = Store::open(&options.store, options.retention.clone())?;
        let planner = open().map_err(failed)?;
        let queue = Queue::new(planner, store.clone(), Arc::clone(&options), Arc::clone(&metrics))?;
        let device = Device::new(&queue, open().map_err(failed)?, Box::new(open));
        Ok(Self { app: App { queue, library, store, options, metrics }, device })
    }

    /// Answers requests until `stop` is ready. Then new jobs are refused, the running one is finished within the
    /// [grace](ServeOptions::grace), and what is left stays in the store for the next server.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { app, device } = self;
        let (queue, grace, patience) = (app.queue.clone(), app.options.grace, app.options.limits.request);
        let (ended, device_ended) = oneshot::channel();
        let run = move || {
            device.run();
            // Nobody listens if the server failed before.
            let _ = ended.send(());
        };
        let thread = thread::Builder::new().name("device".into()).spawn(run);
        let thread = thread.map_err(|source| ServeError::System { what: "a thread for the device", source })?;

        let (closing, closed) = oneshot::channel();
        let stopped = {
            let queue = queue.clone();
            async move {
                stop.await;
                tracing::info!("stopping");
                queue.stop(grace);
                // An error means that the thread is gone, which is what is waited for.
                let _ = device_ended.await;
                let _ = closing.send(());
            }
        };
        let routes = router(app).into_make_service_with_connect_info::<Peer>();
        let serve = axum::serve(GuardedListener::new(listener, patience), routes).with_graceful_shutdown(stopped);
        let farewell = async {
            let _ = closed.await;
            tokio::time::sleep(FAREWELL).await;
        };
        let served = tokio::select! {
            served = serve => served,
            () = farewell => Ok(()),
        };
        queue.stop(Duration::ZERO);
        // The thread catches its panics.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        served.map_err(|source| ServeError::System { what: "the server's socket", source })
    }
}
