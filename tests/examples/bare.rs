//! What a request costs where nothing is done for it: one handler of axum, with the versions and
//! the server settings of the daemon, that answers with as many bytes as the path says. It is what
//! `tests/load` puts beside the daemon, and no part of it.

use axum::{Router, extract::Path, http::header, response::IntoResponse, routing::get, serve};
use serve::ListenerExt as _;
use tokio::net::TcpListener;

/// Largest answer in bytes.
const MOST: usize = 1 << 20;

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).expect("the address to listen on");
    let listener = TcpListener::bind(&address).await.expect("that address is free");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("nodelay"));
    let router = Router::new().route("/{size}", get(answer));
    serve(listener, router).await.expect("it serves");
}

async fn answer(Path(size): Path<usize>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], vec![b'1'; size.min(MOST)])
}
