//! Serves the requests of one connection.

use std::{any::Any, borrow::Cow, sync::Arc, time::Instant};

use hyper::{
    Request as HyperRequest, Response, StatusCode, Uri,
    body::Incoming,
    header::{CONNECTION, EXPECT, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{
    Handler, Outgoing, ReceiveError, ReceivedRequest, ReceiverLimits,
    body::{self, Budget},
    connection_permits::ConnectionPermit,
    detach_on_drop::DetachOnDrop,
    excerpt, head,
    heads::{Heads, KeepHeads},
    outgoing::OutgoingBody,
    refusal::Refusal,
    socket::SenderWatch,
    timer::PatientTimer,
    write_timeout::WriteTimeout,
};
use crate::webhook::{
    redact,
    request::{Headers, Request},
};

/// Serves one connection until it ends. Keeps the heads of its requests in `heads`.
pub(super) fn serve_connection<S, H>(
    stream: S,
    watch: SenderWatch,
    permit: ConnectionPermit,
    limits: ReceiverLimits,
    budget: &Budget,
    handler: &Arc<H>,
    heads: Heads,
) -> impl GracefulConnection<Error = hyper::Error> + use<S, H>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let context = ConnectionContext {
        handler: Arc::clone(handler),
        budget: budget.clone(),
        limits,
        watch,
        closed: CancellationToken::new(),
        permit: Arc::new(permit),
    };
    let stream = KeepHeads::new(WriteTimeout::new(stream, limits.response_time), heads.clone());
    let service = service_fn(move |request| {
        let headers = heads.take(&request);
        let context = context.clone();
        async move {
            let handler = Arc::clone(&context.handler);
            let mut response = context.respond(request, headers).await?;
            handler.add_headers(response.headers_mut());
            Ok::<_, hyper::Error>(response)
        }
    });
    http1::Builder::new()
        .timer(PatientTimer::new())
        .half_close(limits.half_close)
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .max_header_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service)
}

/// State shared by the requests of one connection.
struct ConnectionContext<H> {
    handler: Arc<H>,
    budget: Budget,
    limits: ReceiverLimits,
    watch: SenderWatch,
    closed: CancellationToken,
    permit: Arc<ConnectionPermit>,
}

impl<H> Clone for ConnectionContext<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            budget: self.budget.clone(),
            limits: self.limits,
            watch: self.watch.clone(),
            closed: self.closed.clone(),
            permit: Arc::clone(&self.permit),
        }
    }
}

impl<H: Handler> ConnectionContext<H> {
    /// Responds to a request, given its headers as they were spelled.
    async fn respond(
        self,
        request: HyperRequest<Incoming>,
        headers: Option<Headers>,
    ) -> Result<Response<OutgoingBody>, hyper::Error> {
        let started = Instant::now();
        let (parts, mut body) = request.into_parts();
        let checked = head::check(&parts, self.limits.target).and_then(|()| headers.ok_or_else(Refusal::lost_head));
        if checked.is_ok()
            && let Some(response) = self.handler.screen(&parts)
        {
            if !parts.headers.contains_key(EXPECT) {
                body::discard(&mut body, &self.limits).await;
            }
            let mut response = Outgoing::from(response).into_response();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        }
        let read = match checked {
            Err(refusal) => Err(refusal),
            Ok(headers) => body::read(body, parts.headers.contains_key(EXPECT), &self.limits, &self.budget)
                .await
                .map(|(body, permit)| (headers, body, permit)),
        };
        let (headers, body, permit) = match read {
            Ok(read) => read,
            Err(refusal) => {
                let (method, target) = (excerpt(parts.method.as_str()), excerpt(&shown_target(&parts.uri)));
                let response = refusal.response();
                self.handler.on_error(refusal.into_error(format!("{method} {target}")));
                return Ok(response);
            }
        };
        let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let request = Request { method: parts.method, target, headers, body };
        let received = ReceivedRequest { request, started, permit, closed: self.closed.clone() };
        Ok(self.handle(received).await)
    }

    /// Waits for the handler. Unless it responds at once, the connection's permit is free for others in the meantime.
    async fn handle(&self, received: ReceivedRequest) -> Response<OutgoingBody> {
        self.permit.has_request();
        // The handler runs to completion even if the sender disconnects.
        let mut handling = DetachOnDrop::new({
            let handler = Arc::clone(&self.handler);
            async move { handler.handle(received).await }
        });
        let is_gone = async {
            self.permit.wait_for_handler();
            self.watch.closed().await;
        };
        let handled = tokio::select! {
            biased;
            handled = &mut handling => handled,
            () = is_gone => {
                self.closed.cancel();
                handling.await
            }
        };
        let mut response = match handled {
            Ok(outgoing) => outgoing.into_response(),
            Err(panic) => {
                self.handler.on_error(ReceiveError::Panic(panic_message(&*panic)));
                Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").response()
            }
        };
        if !self.permit.reacquire() {
            // Without a permit, the connection may not wait for another request.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(|body| body.on(Arc::clone(&self.permit)))
    }
}

/// A target for messages: its path or, if it has none, the whole target without a password.
fn shown_target(target: &Uri) -> Cow<'_, str> {
    match target.path() {
        "" => redact::query(&target.to_string()).into_owned().into(),
        path => path.into(),
    }
}

/// The message of a panic.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}
