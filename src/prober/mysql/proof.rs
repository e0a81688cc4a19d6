//! How a password is proved to MySQL without being sent, and how it is sent where it must be.
//!
//! Invariant: the password travels in the clear only within TLS. Without TLS a server that remembers no proof is told it
//! under the key that the server shows, as MySQL's own clients do when asked to; who can stand in between could show
//! another key. Sources: MySQL internals, "Authentication Methods"; RFC 8017 §7.1 (RSAES-OAEP).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

use super::packet::{NATIVE, malformed};
use crate::health::observation::{Failure, Outcome};

/// The proof by a method; none for one that is not spoken.
pub(super) fn of_method(method: &str, password: &[u8], nonce: &[u8], is_encrypted: bool) -> Result<Option<Vec<u8>>, Outcome> {
    match method {
        CLEAR if !is_encrypted => Err(Failure::LoginRefused("the server wants the password in the clear".into()).into()),
        CLEAR => Ok(Some([password, b"\0"].concat())),
        NATIVE | CACHING if password.is_empty() => Ok(Some(Vec::new())),
        NATIVE => Ok(Some(native(password, nonce))),
        CACHING => Ok(Some(caching(password, nonce))),
        _ => Ok(None),
    }
}

/// SHA1(password) xor SHA1(nonce, SHA1(SHA1(password)))
fn native(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let sha1 = |parts: &[&[u8]]| digest(Context::new(&SHA1_FOR_LEGACY_USE_ONLY), parts);
    let once = sha1(&[password]);
    xor(&once, &sha1(&[nonce, &sha1(&[&once])]))
}

/// SHA256(password) xor SHA256(SHA256(SHA256(password)), nonce)
fn caching(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let sha256 = |parts: &[&[u8]]| digest(Context::new(&SHA256), parts);
    let once = sha256(&[password]);
    xor(&once, &sha256(&[&sha256(&[&once]), nonce]))
}

/// The password under the server's public key.
pub(super) fn encrypted(password: &[u8], nonce: &[u8], key: &[u8]) -> Result<Vec<u8>, Outcome> {
    if nonce.is_empty() {
        return Err(malformed("a login without a nonce"));
    }
    let whole = [password, b"\0"].concat();
    let mask: Vec<u8> = nonce.iter().copied().cycle().take(whole.len()).collect();
    let encrypt = || {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(key).ok()?;
        let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&key).ok()?).ok()?;
        let mut sent = vec![0; key.ciphertext_size()];
        let length = key.encrypt(&OAEP_SHA1_MGF1SHA1, &xor(&whole, &mask), &mut sent, None).ok()?.len();
        sent.truncate(length);
        Some(sent)
    };
    encrypt().ok_or_else(|| malformed("no RSA key that the password fits into"))
}

fn digest(mut context: Context, parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

pub(super) const CACHING: &str = "caching_sha2_password";
/// The password as it is.
const CLEAR: &str = "mysql_clear_password";
/// All methods, as told to people.
pub(super) const SPOKEN: [&str; 3] = [NATIVE, CACHING, CLEAR];

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};

    use super::*;

    /// What a server that keeps SHA1(SHA1(password)) does: undoes the mask, and hashes once more.
    #[test]
    fn a_server_that_does_not_know_the_password_can_check_the_native_proof() {
        let sha1 = |parts: &[&[u8]]| digest(Context::new(&SHA1_FOR_LEGACY_USE_ONLY), parts);
        let kept = sha1(&[&sha1(&[b"secret"])]);
        let nonce = b"abcdefghijklmnopqrst";
        let proof = of_method(NATIVE, b"secret", nonce, false).unwrap().unwrap();
        assert_eq!(sha1(&[&xor(&proof, &sha1(&[nonce, &kept]))]), kept);
        assert_ne!(proof, of_method(NATIVE, b"Secret", nonce, false).unwrap().unwrap());
    }

    #[test]
    fn a_server_that_does_not_know_the_password_can_check_the_caching_proof() {
        let sha256 = |parts: &[&[u8]]| digest(Context::new(&SHA256), parts);
        let kept = sha256(&[&sha256(&[b"secret"])]);
        let nonce = b"abcdefghijklmnopqrst";
        let proof = of_method(CACHING, b"secret", nonce, false).unwrap().unwrap();
        assert_eq!(sha256(&[&xor(&proof, &sha256(&[&kept, nonce]))]), kept);
    }

    #[test]
    fn only_the_keys_owner_reads_an_encrypted_password() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&private.public_key()).unwrap();
        let pem = pem(der.as_ref());
        let nonce = b"abcdefghijklmnopqrst";
        let password = b"a password that is longer than the nonce";
        let sent = encrypted(password, nonce, pem.as_bytes()).unwrap();
        let private = OaepPrivateDecryptingKey::new(private).unwrap();
        let mut read = vec![0; private.min_output_size()];
        let read = private.decrypt(&OAEP_SHA1_MGF1SHA1, &sent, &mut read, None).unwrap();
        let mask: Vec<u8> = nonce.iter().copied().cycle().take(read.len()).collect();
        assert_eq!(xor(read, &mask), [&password[..], b"\0"].concat());
        for key in ["", "no key", &pem[..pem.len() / 2]] {
            assert!(encrypted(password, nonce, key.as_bytes()).is_err());
        }
        assert!(encrypted(&[b'x'; 300], nonce, pem.as_bytes()).is_err());
    }

    fn pem(der: &[u8]) -> String {
        let body = domain::utils::base64::encode_string(der);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    #[test]
    fn nothing_is_sent_in_the_clear_outside_tls() {
        assert_eq!(of_method(CLEAR, b"secret", b"", true).unwrap().unwrap(), b"secret\0");
        let refused = of_method(CLEAR, b"secret", b"", false).unwrap_err();
        assert_eq!(refused.code(), "login_refused");
        assert_eq!(of_method("client_ed25519", b"secret", b"", true).unwrap(), None);
    }
}
