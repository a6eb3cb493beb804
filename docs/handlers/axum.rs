use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::net::TcpListener;

fn is_genuine(secret: &[u8], body: &[u8], headers: &HeaderMap) -> bool {
    let header = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let signature = header.and_then(|value| hex::decode(value.strip_prefix("sha256=")?).ok());
    let (Some(signature), Ok(mut mac)) = (signature, Hmac::<Sha256>::new_from_slice(secret)) else { return false };
    mac.update(body);
    mac.verify_slice(&signature).is_ok() // in constant time
}

// Bytes, not Json: that is parsed.
async fn github(State(secret): State<Arc<str>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !is_genuine(secret.as_bytes(), &body, &headers) {
        return StatusCode::UNAUTHORIZED;
    }
    // Queue the work under the id in x-github-delivery, and do nothing if that id is known.
    StatusCode::ACCEPTED
}

fn app(secret: String) -> Router {
    let limit = DefaultBodyLimit::max(25 << 20);
    Router::new().route("/webhooks/github", post(github)).layer(limit).with_state(Arc::from(secret))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("GITHUB_WEBHOOK_SECRET").unwrap_or_default();
    if secret.is_empty() {
        return Err("GITHUB_WEBHOOK_SECRET is not set".into());
    }
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app(secret)).await?;
    Ok(())
}
