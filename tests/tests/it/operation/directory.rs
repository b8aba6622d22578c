//! The operations on service providers, network mapping and profiles, enumerated, for tests that have rows for each.

use http::Method;
use jackfield_model::path;
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

/// An operation on what a directory keeps beside associations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectoryOp {
    CreateProvider,
    GetProvider,
    UpdateProvider,
    DeleteProvider,
    CreateNetwork,
    GetNetwork,
    UpdateNetwork,
    DeleteNetwork,
    CreateProfile,
    FindProfile,
    GetProfile,
    UpdateProfile,
    DeleteProfile,
    CreateProfiles,
}

/// What the path of an operation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Nothing: the caller's organization is meant.
    Organization,
    Provider,
    Profile,
}

impl DirectoryOp {
    pub(crate) const ALL: [Self; 14] = [
        Self::CreateProvider,
        Self::GetProvider,
        Self::UpdateProvider,
        Self::DeleteProvider,
        Self::CreateNetwork,
        Self::GetNetwork,
        Self::UpdateNetwork,
        Self::DeleteNetwork,
        Self::CreateProfile,
        Self::FindProfile,
        Self::GetProfile,
        Self::UpdateProfile,
        Self::DeleteProfile,
        Self::CreateProfiles,
    ];

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::CreateProvider | Self::CreateNetwork | Self::CreateProfile | Self::CreateProfiles => {
                Method::POST
            }
            Self::GetProvider | Self::GetNetwork | Self::FindProfile | Self::GetProfile => Method::GET,
            Self::UpdateProvider | Self::UpdateNetwork | Self::UpdateProfile => Method::PUT,
            Self::DeleteProvider | Self::DeleteNetwork | Self::DeleteProfile => Method::DELETE,
        }
    }

    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::CreateProvider => path::SERVICE_PROVIDERS,
            Self::GetProvider | Self::UpdateProvider | Self::DeleteProvider => path::SERVICE_PROVIDER,
            Self::CreateNetwork | Self::GetNetwork | Self::UpdateNetwork | Self::DeleteNetwork => {
                path::NETWORK
            }
            Self::CreateProfile | Self::FindProfile => path::PROFILES,
            Self::GetProfile | Self::UpdateProfile | Self::DeleteProfile => path::PROFILE,
            Self::CreateProfiles => path::PROFILES_BATCH,
        }
    }

    pub(crate) const fn subject(self) -> Subject {
        match self {
            Self::CreateProvider | Self::CreateProfile | Self::FindProfile | Self::CreateProfiles => {
                Subject::Organization
            }
            Self::GetProfile | Self::UpdateProfile | Self::DeleteProfile => Subject::Profile,
            _ => Subject::Provider,
        }
    }

    /// Whether it is on communication profiles: then it needs no add-on, and is available in more places.
    pub(crate) const fn is_on_profiles(self) -> bool {
        matches!(
            self,
            Self::CreateProfile
                | Self::FindProfile
                | Self::GetProfile
                | Self::UpdateProfile
                | Self::DeleteProfile
                | Self::CreateProfiles
        )
    }

    /// Whether it reads a body.
    pub(crate) fn has_body(self) -> bool {
        matches!(self.method(), Method::POST | Method::PUT)
    }

    /// The status of a success.
    pub(crate) const fn success(self) -> u16 {
        match self {
            Self::CreateProvider | Self::CreateNetwork | Self::CreateProfile => 201,
            _ => 200,
        }
    }

    /// A good body: of a fresh provider or unit, where it names one.
    pub(crate) fn body(self, name: &str) -> Option<Value> {
        let entity = json!({"type": "UNIT", "id": unit(name)});
        Some(match self {
            Self::CreateProvider => {
                json!({"serviceProviderLogicalId": name, "displayName": names("Front desk")})
            }
            Self::UpdateProvider => json!({"displayName": names(name)}),
            Self::CreateNetwork | Self::UpdateNetwork => network(name),
            Self::CreateProfile => json!({"entity": entity, "name": name}),
            Self::UpdateProfile => json!({"name": name}),
            Self::CreateProfiles => json!({"items": [{"itemId": "1", "entity": entity, "name": name}]}),
            _ => return None,
        })
    }

    /// The path and query string. `id` is put in as it is where the path names something.
    pub(crate) fn target(self, id: &str) -> String {
        let path = self.template().replace("{serviceProviderId}", id).replace("{amazonId}", id);
        match self {
            Self::FindProfile => format!("{path}?entity.type=UNIT&entity.id={}", unit(id)),
            _ => path,
        }
    }

    /// A good request, without a token, about what [`Self::prepare`] made.
    pub(crate) fn bare_request(self, id: &str) -> Request {
        let request = Request::new(&self.method(), self.target(id));
        match self.body(&fresh()) {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// A good request of a tenant.
    pub(crate) fn request(self, tenant: &Tenant, id: &str) -> Request {
        self.bare_request(id).bearer(&tenant.token)
    }

    /// Makes the state in which the good request succeeds, as an operator; answers what it is to be about.
    pub(crate) async fn prepare(self, tenant: &Tenant) -> String {
        match self {
            Self::CreateProvider | Self::CreateProfile | Self::CreateProfiles => fresh(),
            Self::GetProvider | Self::UpdateProvider | Self::DeleteProvider | Self::CreateNetwork => {
                tenant.new_provider(&fresh()).await
            }
            Self::GetNetwork | Self::UpdateNetwork | Self::DeleteNetwork => {
                let provider = tenant.new_provider(&fresh()).await;
                let target = format!("/admin/v1/serviceProviders/{provider}/network");
                tenant.admin.call(&Method::PUT, &target, &network("first")).await.is(200);
                provider
            }
            Self::FindProfile => {
                let name = fresh();
                add_profile(tenant, &name).await;
                name
            }
            Self::GetProfile | Self::UpdateProfile | Self::DeleteProfile => {
                add_profile(tenant, &fresh()).await
            }
        }
    }
}

/// A name that nobody has.
pub(crate) fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The unit with this name.
pub(crate) fn unit(name: &str) -> String {
    format!("amzn1.alexa.unit.did.{name}")
}

/// A network mapping to the skill with this name.
pub(crate) fn network(skill: &str) -> Value {
    json!({"networkType": "SKILL", "skillConfiguration": {"skillId": format!("amzn1.ask.skill.{skill}")}})
}

/// One display name.
pub(crate) fn names(value: &str) -> Value {
    json!([{"locale": "en-US", "value": value}])
}

/// Gives a unit a profile, as an operator; answers its id.
pub(crate) async fn add_profile(tenant: &Tenant, name: &str) -> String {
    let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    let created = tenant.admin.create(&target, &json!({"unit": unit(name)})).await;
    created["id"].as_str().unwrap().to_owned()
}

/// Sends bodies that are to be refused with 400 and a message that holds the text beside each.
pub(super) async fn refuses(tenant: &Tenant, op: DirectoryOp, id: &str, bodies: &[(String, &str)]) {
    for (body, part) in bodies {
        let request = tenant.request(&op.method(), op.target(id)).body(body.clone());
        let response = tenant.send(&request).await;
        assert_eq!(response.status, 400, "{op:?} {body:.200}: {response:?}");
        let message = response.message();
        assert!(message.contains(part), "{op:?} {body:.200}: {part:?} is not in {message:?}");
    }
}

/// What is recorded in the change record about an object, oldest first: operation, before, after and request.
pub(super) async fn recorded(tenant: &Tenant, subject: &str) -> Vec<(String, Value, Value, String)> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = tenant.admin.get(&format!("/admin/v1/changes?limit=1000&after={after}")).await;
        for change in page["changes"].as_array().unwrap() {
            if change["subject"] == subject {
                assert!(change["actor"] == tenant.client_id || change["actor"] == "admin", "{change}");
                let text = |name: &str| change[name].as_str().unwrap().to_owned();
                found.push((
                    text("operation"),
                    change["before"].clone(),
                    change["after"].clone(),
                    text("request_id"),
                ));
            }
        }
        if page["more"] == false {
            return found;
        }
        after = page["next_after"].as_u64().unwrap();
    }
}
