//! A delivery as a curl command that resends it to the receiver.

use crate::{
    net::client::for_other_clients,
    render::request::curl,
    webhook::{record::Delivery, redact},
};

/// The command for a receiver at this URL, which has no path. With `redact`, it contains no credentials.
#[must_use]
pub fn curl_command(delivery: &Delivery, url: &str, redact: bool) -> String {
    let mut request = delivery.request.clone();
    if redact {
        request = redact::request(&request, delivery.assessment.provider.as_deref());
    }
    // The command gets the host from the URL.
    request.headers =
        for_other_clients(&request.headers).filter(|(name, _)| name.as_str() != "host").cloned().collect();
    let mut command = String::new();
    curl(&request, &format!("{url}{}", request.target), &mut command);
    command
}
