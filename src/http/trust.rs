//! Why a certificate is not accepted, in words for people. It is verified by the library, always; nothing here decides.

use rustls::{CertificateError, Error};

/// Why the other side's certificate was refused, as a fragment; none where that is not what an error is about.
pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(Error::InvalidCertificate(why)) = tls(error) {
            return Some(words(why));
        }
        cause = error.source();
    }
    None
}

/// The TLS library's error, which others wrap in an error of the system's, whose source is only what lies behind it.
fn tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.downcast_ref().or_else(|| wrapped.and_then(|inner| tls(inner)))
}

fn words(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody whom this machine trusts vouches for it".to_owned()
        }
        CertificateError::NotValidForName => "it is for another host".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("it is for another host: {}", presented.join(", "))
        }
        CertificateError::NotValidForNameContext { .. } => "it is for another host".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    }
}
