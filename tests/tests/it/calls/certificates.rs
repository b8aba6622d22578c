//! Skills with TLS: one that is trusted, and what is said of certificates that are not good.

use std::sync::Arc;

use http::Method;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jackfield_tests::Response;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::device::Stage;
use super::integration::Endpoint;

/// A CA of its own.
pub(crate) fn ca(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A skill, or a webhook, that takes everything; answers its port.
pub(crate) async fn skill(ca: &CertifiedIssuer<'static, KeyPair>, name: &str, until: i32) -> u16 {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    let certificate = params.signed_by(&key, ca).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let serve = service_fn(async |_| {
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(r#"{"version":"1.0"}"#.to_owned()))
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), serve)
                    .await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_certificate_that_is_not_good_ends_the_call_and_is_explained() {
    let stage = Stage::set(Endpoint::Silent).await;
    let (trusted, other) = (ca("trusted"), ca("other"));
    let set = async |port: u16| -> Response {
        let body = json!({
            "organizationId": stage.tenant.organization, "endpoint": format!("https://localhost:{port}/skill"),
            "clientId": stage.tenant.client_id, "timeout": "5s", "ca": trusted.pem(),
        });
        let target = format!("/admin/v1/skills/{}", stage.skill_id);
        stage.tenant.admin.call(&Method::PUT, &target, &body).await.expect(200)
    };
    let ping = async || {
        let target = format!("/admin/v1/skills/{}/ping", stage.skill_id);
        stage.tenant.admin.call(&Method::POST, &target, &Value::Null).await.expect(200).json()
    };
    set(skill(&trusted, "localhost", 2040).await).await;
    assert_eq!(ping().await["ok"], true);
    for (port, why) in [
        (skill(&other, "localhost", 2040).await, "UnknownIssuer"),
        (skill(&trusted, "localhost", 2021).await, "expired"),
        (skill(&trusted, "elsewhere.example", 2040).await, "not valid for name"),
    ] {
        set(port).await;
        let answer = ping().await;
        assert_eq!((&answer["ok"], &answer["problem"]), (&json!(false), &json!("certificate")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(why), "{why}: {answer}");
        let call = stage.start(json!({ "media": false })).await;
        let call = stage.await_state(call["sessionId"].as_str().unwrap(), "ended").await;
        assert_eq!(call["result"]["code"], "INTERNAL_ERROR", "{call}");
        let note = call["transcript"][0]["note"].as_str().unwrap();
        assert!(note.contains(why) && note.contains("certificate"), "{why}: {note}");
    }
}
