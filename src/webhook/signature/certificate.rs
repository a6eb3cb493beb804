//! The end of an X.509 certificate's validity. The chain isn't checked: a key is trusted because the user chose it.

use p256::pkcs8::der::{
    Decode, SliceReader, Tag,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::webhook::time::Timestamp;

/// The end of the certificate that is valid longest; `None` if these bytes, PEM or DER, have none.
#[must_use]
pub(super) fn valid_until(bytes: &[u8]) -> Option<Timestamp> {
    if bytes.trim_ascii().starts_with(b"-----BEGIN") {
        let ends = CertificateDer::pem_slice_iter(bytes).flatten().filter_map(|der| end(&der));
        return ends.max_by_key(|end| end.unix_seconds());
    }
    end(bytes)
}

/// `notAfter` of a certificate (RFC 5280, section 4.1).
fn end(der: &[u8]) -> Option<Timestamp> {
    let mut tbs = contents(first(der)?)?;
    let version_or_serial = AnyRef::decode(&mut tbs).ok()?;
    if version_or_serial.header().tag().is_context_specific() {
        AnyRef::decode(&mut tbs).ok()?;
    }
    let [_algorithm, _issuer, validity] = [(); 3].map(|()| AnyRef::decode(&mut tbs).ok());
    let mut validity = contents(validity?)?;
    AnyRef::decode(&mut validity).ok()?;
    let time = AnyRef::decode(&mut validity).ok()?;
    let since_1970 = match time.header().tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>().ok()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>().ok()?.to_unix_duration(),
    };
    Some(Timestamp::from_unix_seconds(i64::try_from(since_1970.as_secs()).ok()?))
}

/// The first element of the sequence that these bytes are.
fn first(der: &[u8]) -> Option<AnyRef<'_>> {
    AnyRef::decode(&mut contents(AnyRef::from_der(der).ok()?)?).ok()
}

/// The elements of a sequence.
fn contents(sequence: AnyRef<'_>) -> Option<SliceReader<'_>> {
    (sequence.header().tag() == Tag::Sequence).then(|| SliceReader::new(sequence.value()).ok()).flatten()
}
