//! Service providers, network mapping and profiles: what is sent, and what is made of the answers.

use jackfield_client::testing::{ScriptedServer, Step};
use jackfield_client::{Client, Error};
use jackfield_model::admin::DisplayName;
use jackfield_model::wire::{Entity, Network, NewBatchItem, NewProfile, NewServiceProvider};
use jackfield_model::{AmazonId, UnitId};

use super::{busy, client, options, provider};

const PROVIDER: &str = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";
const NETWORK: &str = r#"{"networkType":"SKILL","skillConfiguration":{"skillId":"amzn1.ask.skill.a"}}"#;
const PROFILE: &str = r#"{"entity":{"type":"UNIT","id":"amzn1.alexa.unit.did.lobby"},"profileId":{"profileId":"amzn1.alexa.communications.profile.did.p1"},"name":"Lobby"}"#;

fn profile_id() -> AmazonId {
    "amzn1.alexa.communications.profile.did.p1".parse().unwrap()
}

fn lobby() -> UnitId {
    "amzn1.alexa.unit.did.lobby".parse().unwrap()
}

fn names() -> Vec<DisplayName> {
    vec![DisplayName { locale: "en-US".to_owned(), value: "Desk".to_owned() }]
}

fn network() -> Network {
    Network::skill("amzn1.ask.skill.a".parse().unwrap())
}

/// Makes one call; answers what it made of the answer, and the request as method, path and body.
async fn call<T>(step: Step, call: impl AsyncFnOnce(Client) -> Result<T, Error>) -> (T, String, String) {
    let server = ScriptedServer::start([step]).await;
    let answer = call(client(&server, &options())).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    (answer, format!("{} {}", seen[0].method, seen[0].path), seen[0].body.clone())
}

#[tokio::test]
async fn providers_are_made_shown_changed_and_removed() {
    let path = format!("/v1/communications/serviceProviders/{PROVIDER}");
    let shown = format!(
        r#"{{"serviceProviderId":"{PROVIDER}","serviceProviderLogicalId":"desk","displayName":[{{"locale":"en-US","value":"Desk"}}]}}"#
    );
    let new = NewServiceProvider { service_provider_logical_id: "desk".to_owned(), display_name: names() };
    let (made, request, body) =
        call(Step::json(201, &shown), async |client| client.create_service_provider(&new).await).await;
    assert_eq!((made.service_provider_id, &made.display_name), (provider(), &names()));
    assert_eq!(request, "POST /v1/communications/serviceProviders");
    let sent = r#"{"serviceProviderLogicalId":"desk","displayName":[{"locale":"en-US","value":"Desk"}]}"#;
    assert_eq!(body, sent);
    let (found, request, _) =
        call(Step::json(200, &shown), async |client| client.service_provider(provider()).await).await;
    assert_eq!((found, request), (made, format!("GET {path}")));
    let update = async |client: Client| client.update_service_provider(provider(), names()).await;
    let ((), request, body) = call(Step::json(200, ""), update).await;
    assert_eq!(request, format!("PUT {path}"));
    assert_eq!(body, r#"{"displayName":[{"locale":"en-US","value":"Desk"}]}"#);
    let delete = async |client: Client| client.delete_service_provider(provider()).await;
    let ((), request, body) = call(Step::json(200, ""), delete).await;
    assert_eq!((request, body), (format!("DELETE {path}"), String::new()));
    let cascade = async |client: Client| client.delete_service_provider_with_associations(provider()).await;
    let ((), request, _) = call(Step::json(200, ""), cascade).await;
    assert_eq!(request, format!("DELETE {path}?cascade=true"));
}

#[tokio::test]
async fn networks_are_mapped() {
    let path = format!("/v1/communications/serviceProviders/{PROVIDER}/network");
    let create = async |client: Client| client.create_network(provider(), &network()).await;
    let ((), request, body) = call(Step::json(201, ""), create).await;
    assert_eq!((request, body), (format!("POST {path}"), NETWORK.to_owned()));
    let (found, request, _) =
        call(Step::json(200, NETWORK), async |client| client.network(provider()).await).await;
    assert_eq!((found, request), (network(), format!("GET {path}")));
    let update = async |client: Client| client.update_network(provider(), &network()).await;
    let ((), request, body) = call(Step::json(200, ""), update).await;
    assert_eq!((request, body), (format!("PUT {path}"), NETWORK.to_owned()));
    let delete = async |client: Client| client.delete_network(provider()).await;
    let ((), request, _) = call(Step::json(200, ""), delete).await;
    assert_eq!(request, format!("DELETE {path}"));
}

#[tokio::test]
async fn profiles_are_made_shown_renamed_and_removed() {
    let path = "/v1/communications/profile/amzn1.alexa.communications.profile.did.p1";
    let new = NewProfile { entity: Entity::unit(lobby()), name: Some("Lobby".to_owned()) };
    let (made, request, body) =
        call(Step::json(201, PROFILE), async |client| client.create_profile(&new).await).await;
    assert_eq!((&made.profile_id.profile_id, made.name.as_deref()), (&profile_id(), Some("Lobby")));
    assert_eq!(request, "POST /v1/communications/profile");
    assert_eq!(body, r#"{"entity":{"type":"UNIT","id":"amzn1.alexa.unit.did.lobby"},"name":"Lobby"}"#);
    let (found, request, _) =
        call(Step::json(200, PROFILE), async |client| client.profile(&profile_id()).await).await;
    assert_eq!((&found, request), (&made, format!("GET {path}")));
    let (found, request, _) =
        call(Step::json(200, PROFILE), async |client| client.profile_of_unit(&lobby()).await).await;
    let by_unit = "GET /v1/communications/profile?entity.type=UNIT&entity.id=amzn1.alexa.unit.did.lobby";
    assert_eq!((&found, request.as_str()), (&made, by_unit));
    let rename = async |client: Client| client.rename_profile(&profile_id(), "Bar").await;
    let ((), request, body) = call(Step::json(200, ""), rename).await;
    assert_eq!((request, body.as_str()), (format!("PUT {path}"), r#"{"name":"Bar"}"#));
    let delete = async |client: Client| client.delete_profile(&profile_id()).await;
    let ((), request, _) = call(Step::json(200, ""), delete).await;
    assert_eq!(request, format!("DELETE {path}"));
}

#[tokio::test]
async fn a_batch_answers_for_each_item() {
    let answer = format!(
        r#"{{"items":[{{"itemId":"a","status":201,"result":{PROFILE}}},{{"itemId":"b","status":401,"error":{{"type":"UNAUTHORIZED","message":"No."}}}}]}}"#
    );
    let item = |id: &str| NewBatchItem {
        item_id: id.into(),
        profile: NewProfile { entity: Entity::unit(lobby()), name: None },
    };
    let items = vec![item("a"), item("b")];
    let (answer, request, body) =
        call(Step::json(207, &answer), async |client| client.create_profiles(items).await).await;
    assert_eq!(request, "POST /v1/communications/profiles/batch");
    let entity = r#""entity":{"type":"UNIT","id":"amzn1.alexa.unit.did.lobby"}"#;
    assert_eq!(body, format!(r#"{{"items":[{{"itemId":"a",{entity}}},{{"itemId":"b",{entity}}}]}}"#));
    assert_eq!(answer.items[0].result.as_ref().unwrap().profile_id.profile_id, profile_id());
    assert_eq!(answer.items[1].error.as_ref().unwrap().kind, "UNAUTHORIZED");
}

#[tokio::test]
async fn what_was_not_done_is_tried_again() {
    let server = ScriptedServer::start([busy(503), busy(429), Step::json(201, "")]).await;
    client(&server, &options()).create_network(provider(), &network()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}
