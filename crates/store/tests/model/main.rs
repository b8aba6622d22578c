//! Random operations on a store and on the reference model: the same outcomes, the same contents.
//!
//! `JACKFIELD_MODEL_SEED` repeats a run, `JACKFIELD_MODEL_OPERATIONS` makes it longer or shorter. PostgreSQL gets a
//! twentieth of the operations: each is a transaction there.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]
#![allow(clippy::print_stdout, reason = "how a run can be repeated")]

mod resources;

use std::sync::Arc;

use futures_util::future::join_all;
use jackfield_model::admin::{DisplayName, Maintenance, OrganizationPatch};
use jackfield_model::inspect::Finding;
use jackfield_model::wire::{Association, Network};
use jackfield_model::{RequestId, ScopeSet, ServiceProviderId};
use jackfield_store::conformance::admin::admin_token;
use jackfield_store::conformance::dump::Dump;
use jackfield_store::conformance::resource_rows::whole;
use jackfield_store::conformance::webhook;
use jackfield_store::conformance::world::{
    amazon, changes, client, client_id, external, organization, organization_id, profile, provider_id,
    refresh_token, service_provider, skill,
};
use jackfield_store::conformance::{Adapter, Embedded, Postgres};
use jackfield_store::registry::{
    Act, ClientChange, CodeId, GrantCommand, NetworkChange, OrganizationChange, PasswordHash, Presented,
    Redemption, RefreshTokenId, Replacement, SecretHash, SpentCode, WebhookCommand,
};
use jackfield_store::resource::ResourceChange;
use jackfield_store::verify::{Findings, Pace, verify};
use jackfield_store::{
    Actor, AssociationRange, AssociationStore as _, ChangeFilter, Content, MemoryStore, Origin, Profile,
    ProfileStore as _, RegistryCommand, RegistryStore as _, ResourceStore as _, Store, Timestamp,
    WriteAssociation,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use uuid::Uuid;

/// Operations of one case.
const CASE: usize = 1_000;
/// Most writes that are under way together, so that groups of all sizes are committed.
const TOGETHER: usize = 24;

const IDS: [&str; 8] = ["a", "aa", "a!", "b", "é", "éé", "\u{10ffff}", "0"];
const PROFILES: [&str; 4] = ["P", "p", "p1", "p.1"];
const ORGANIZATIONS: [&str; 3] = ["n", "no", "o"];
const CLIENTS: [&str; 3] = ["c", "c1", "d"];
/// Neighbours, of which the first ends in `ff`, and the least and the greatest there is.
const PROVIDERS: [u128; 4] = [0xff, 0x100, 0, u128::MAX];

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a few hundred of them")]
enum Operation {
    Create(ServiceProviderId, &'static str, &'static str, Option<&'static str>),
    Update(ServiceProviderId, &'static str, &'static str, Option<&'static str>),
    Delete(ServiceProviderId, &'static str),
    CreateProfile(&'static str, &'static str, &'static str),
    RenameProfile(&'static str, &'static str, Option<&'static str>),
    DeleteProfile(&'static str, &'static str),
    PutProfiles(Vec<(&'static str, &'static str, &'static str, bool)>),
    Resources(&'static str, Vec<ResourceChange>),
    Registry(RegistryCommand),
    /// Forget changes up to the number that is so many percent of how many operations there were.
    Trim(u64, usize),
    /// To content with so many associations.
    Reset(usize),
    Find(ServiceProviderId),
    List(ServiceProviderId, &'static str, Option<&'static str>, usize),
    Changes(Option<ServiceProviderId>, u64, usize),
    Profiles(&'static str, Option<&'static str>, usize),
    Rows(&'static str, resources::List),
    Compare,
    Reopen,
}

impl Operation {
    const fn is_write(&self) -> bool {
        !matches!(
            self,
            Self::Find(..)
                | Self::List(..)
                | Self::Changes(..)
                | Self::Profiles(..)
                | Self::Rows(..)
                | Self::Compare
                | Self::Reopen
        )
    }
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation as Op;
    let provider = || select(PROVIDERS.to_vec()).prop_map(provider_id);
    let id = || select(IDS.to_vec());
    let to = || select(PROFILES.to_vec());
    let owned_by = || select(ORGANIZATIONS.to_vec());
    let owner = || proptest::option::weighted(0.3, select(ORGANIZATIONS.to_vec()));
    let limit = || select(vec![0_usize, 1, 2, 3, 100]);
    let operation = prop_oneof![
        30 => (provider(), id(), to(), owner()).prop_map(|(p, id, to, owner)| Op::Create(p, id, to, owner)),
        20 => (provider(), id(), to(), owner()).prop_map(|(p, id, to, owner)| Op::Update(p, id, to, owner)),
        20 => (provider(), id()).prop_map(|(p, id)| Op::Delete(p, id)),
        4 => (to(), owned_by(), to()).prop_map(|(id, owner, unit)| Op::CreateProfile(id, owner, unit)),
        2 => (owned_by(), to(), proptest::option::of(to())).prop_map(|(o, id, name)| Op::RenameProfile(o, id, name)),
        3 => (owned_by(), to()).prop_map(|(owner, id)| Op::DeleteProfile(owner, id)),
        3 => vec((to(), owned_by(), to(), any::<bool>()), 0..4).prop_map(Op::PutProfiles),
        20 => (select(vec!["n", "no", "no", "no", "o"]), resources::batch()).prop_map(|(owner, changes)| Op::Resources(owner, changes)),
        12 => commands().prop_map(Op::Registry),
        1 => (0_u64..80, select(vec![0_usize, 1, 5, 1_000])).prop_map(|(part, limit)| Op::Trim(part, limit)),
        1 => (0..IDS.len()).prop_map(Op::Reset),
        2 => provider().prop_map(Op::Find),
        2 => (provider(), select(vec!["", "a", "é", "x"]), proptest::option::of(id()), limit())
            .prop_map(|(p, prefix, after, limit)| Op::List(p, prefix, after, limit)),
        1 => (proptest::option::of(provider()), 0_u64..500, limit()).prop_map(|(p, after, n)| Op::Changes(p, after, n)),
        1 => (owned_by(), proptest::option::of(to()), limit()).prop_map(|(o, after, n)| Op::Profiles(o, after, n)),
        4 => (owned_by(), resources::list()).prop_map(|(owner, list)| Op::Rows(owner, list)),
    ];
    let rare = prop_oneof![500 => operation, 1 => Just(Op::Compare), 1 => Just(Op::Reopen)];
    // Most operations need somebody to work for.
    let first =
        ORGANIZATIONS.map(|name| Op::Registry(RegistryCommand::CreateOrganization(organization(name))));
    let known = PROFILES.map(|id| Op::CreateProfile(id, ORGANIZATIONS[1], id));
    let first = [&first[..], &known].concat();
    vec(rare, CASE - first.len()).prop_map(move |rest| [&first[..], &rest].concat())
}

fn commands() -> impl Strategy<Value = RegistryCommand> {
    use RegistryCommand as Command;
    let named = || select(ORGANIZATIONS.to_vec());
    let provider = || select(PROVIDERS.to_vec()).prop_map(provider_id);
    let who = || select(CLIENTS.to_vec());
    let change = (any::<[bool; 4]>(), 0_u8..6, 0_u32..3).prop_map(|(flags, token, rate)| ClientChange {
        rate_limit: flags[0].then_some(rate),
        enabled: flags[1].then_some(rate == 0),
        revoke_refresh_tokens: flags[2],
        revoke_access_tokens: flags[2] && flags[3],
        add_refresh_token: flags[3].then(|| refresh_token(token)),
        ..ClientChange::default()
    });
    let name = |number: u8| DisplayName { locale: "en-US".to_owned(), value: number.to_string() };
    prop_oneof![
        4 => named().prop_map(|name| Command::CreateOrganization(organization(name))),
        1 => (named(), any::<bool>()).prop_map(|(name, strict)| {
            let patch = OrganizationPatch { strict_profiles: Some(strict), ..OrganizationPatch::default() };
            let consent_password = strict.then(|| Some(PasswordHash("$f$p$0123456789$hash".to_owned())));
            Command::UpdateOrganization(organization_id(name), OrganizationChange { patch, consent_password })
        }),
        2 => resources::bounds(),
        1 => named().prop_map(|name| Command::DeleteOrganization(organization_id(name))),
        2 => (who(), named(), vec(0_u8..6, 0..3)).prop_map(|(id, owner, tokens)| {
            Command::CreateClient(client(id, owner, &tokens))
        }),
        2 => (who(), change).prop_map(|(id, change)| Command::UpdateClient(client_id(id), change)),
        1 => who().prop_map(|id| Command::DeleteClient(client_id(id))),
        4 => (who(), grants()).prop_map(|(id, change)| Command::ChangeGrants(client_id(id), change)),
        6 => (provider(), named(), 0_u8..6).prop_map(|(id, owner, logical)| {
            Command::CreateServiceProvider(service_provider(id, owner, &logical.to_string()))
        }),
        1 => (provider(), 0_u8..3).prop_map(move |(id, number)| {
            Command::UpdateServiceProvider(id, vec![name(number)])
        }),
        1 => provider().prop_map(Command::DeleteServiceProvider),
        1 => (provider(), 0_u64..4).prop_map(|(id, most)| Command::DeleteServiceProviderWithAssociations(id, most)),
        2 => (provider(), 0_u8..4, any::<bool>()).prop_map(|(id, kind, other)| {
            let network = Network::skill(skill(if other { "a" } else { "b" }));
            Command::ChangeNetwork(id, match kind {
                0 => NetworkChange::Create(network),
                1 => NetworkChange::Replace(network),
                2 => NetworkChange::Set(network),
                _ => NetworkChange::Remove,
            })
        }),
        1 => (0_u8..3, 0_u8..4).prop_map(|(name, number)| {
            Command::CreateAdminToken(admin_token(&name.to_string(), number))
        }),
        1 => (0_u8..4).prop_map(|number| Command::DeleteAdminToken(admin_token("", number).id)),
        1 => (0_u8..3).prop_map(|number| Command::Note(Act {
            kind: "admin.backup".to_owned(),
            id: number.to_string(),
            details: "{}".to_owned(),
        })),
        3 => webhooks(),
        1 => (any::<bool>(), 1_u32..3).prop_map(|(enabled, retry_after)| {
            Command::SetMaintenance(Maintenance { enabled, retry_after })
        }),
    ]
}

/// Few webhooks, so that what is done meets what was done.
fn webhooks() -> impl Strategy<Value = RegistryCommand> {
    (0_u8..5, 0_u8..3, 0_u64..50).prop_map(|(what, number, after)| match what {
        0 => webhook::create(number, after),
        1 => RegistryCommand::Webhook(WebhookCommand::Delete(webhook::webhook_id(number))),
        2 => RegistryCommand::Webhook(WebhookCommand::Pause(webhook::webhook_id(number))),
        3 => RegistryCommand::Webhook(WebhookCommand::Resume(webhook::webhook_id(number))),
        _ => webhook::report(usize::from(number % 2), after, &[(0, after), (1, after)]),
    })
}

/// Few tokens, families and codes, so that they meet.
fn grants() -> impl Strategy<Value = GrantCommand> {
    let family = |byte: u8| RefreshTokenId([byte; 8]);
    let redeem = (0_u8..3, 0_u8..6, 0_u8..4, 0_u64..20).prop_map(move |(code, token, of, now)| {
        GrantCommand::Redeem(Redemption {
            code: SpentCode {
                id: CodeId([code; 16]),
                expires: 10,
                by: (of % 2 == 0).then(|| of.to_string()),
            },
            token: SecretHash([token; 32]),
            family: family(of),
            scopes: ScopeSet::default(),
            issued: Timestamp(now),
            now,
        })
    });
    let replace = (0_u8..6, proptest::option::of(0_u8..4), 0_u8..6).prop_map(move |(old, of, new)| {
        let old = Presented { hash: SecretHash([old; 32]), family: of.map(family) };
        GrantCommand::Replace(Replacement { old, new: SecretHash([new; 32]) })
    });
    prop_oneof![3 => redeem, 3 => replace, 1 => (0_u8..4).prop_map(move |of| GrantCommand::Revoke(family(of)))]
}

/// Content of an organization, a client, two providers, a profile, resources and so many associations.
async fn content(associations: usize) -> Content {
    let store = MemoryStore::default();
    let origin =
        || Origin { actor: Actor::Seed, request_id: RequestId::from_uuid(Uuid::nil()), time: Timestamp(0) };
    for command in [
        RegistryCommand::CreateOrganization(organization(ORGANIZATIONS[1])),
        RegistryCommand::CreateClient(client(CLIENTS[0], ORGANIZATIONS[1], &[1])),
        RegistryCommand::CreateServiceProvider(service_provider(
            provider_id(PROVIDERS[0]),
            ORGANIZATIONS[1],
            "0",
        )),
        RegistryCommand::CreateServiceProvider(service_provider(
            provider_id(PROVIDERS[3]),
            ORGANIZATIONS[1],
            "1",
        )),
    ] {
        store.change_registry(command, origin()).await.unwrap();
    }
    store.create_profile(profile(PROFILES[0], ORGANIZATIONS[1], PROFILES[0]), origin()).await.unwrap();
    let resources = resources::seeded(ORGANIZATIONS[1], PROFILES[0]);
    let stored =
        store.change_resources(&organization_id(ORGANIZATIONS[1]), resources, origin()).await.unwrap();
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    for id in &IDS[..associations] {
        let association = Association::new(external(id), amazon(PROFILES[0]));
        let provider = provider_id(PROVIDERS[associations % 2 * 3]);
        let write = WriteAssociation { provider, association, profile_owner: None, origin: origin() };
        store.create_association(write).await.unwrap();
    }
    store.content()
}

/// Applies an operation; answers its outcome as text.
async fn apply(store: &dyn Store, operation: &Operation, tick: u64) -> String {
    let actor = if tick.is_multiple_of(3) { Actor::Client(Arc::new(client_id("c"))) } else { Actor::Seed };
    let request_id = RequestId::from_uuid(Uuid::from_u128(tick.into()));
    let origin = Origin { actor, request_id, time: Timestamp(tick) };
    let write = |provider: &ServiceProviderId, id: &str, to: &str, owner: &Option<&str>| WriteAssociation {
        provider: *provider,
        association: Association::new(external(id), amazon(to)),
        profile_owner: owner.map(organization_id),
        origin: origin.clone(),
    };
    match operation {
        Operation::Create(p, id, to, owner) => text(store.create_association(write(p, id, to, owner)).await),
        Operation::Update(p, id, to, owner) => text(store.update_association(write(p, id, to, owner)).await),
        Operation::Delete(p, id) => text(store.delete_association(*p, external(id), origin).await),
        Operation::CreateProfile(id, owner, unit) => {
            text(store.create_profile(profile(id, owner, unit), origin).await)
        }
        Operation::RenameProfile(owner, id, name) => {
            let name = name.map(str::to_owned);
            text(store.rename_profile(&organization_id(owner), &amazon(id), name, origin).await)
        }
        Operation::DeleteProfile(owner, id) => {
            text(store.delete_profile(&organization_id(owner), &amazon(id), origin).await)
        }
        Operation::PutProfiles(profiles) => {
            let new = |(id, owner, unit, named): &(&str, &str, &str, bool)| {
                let new = profile(id, owner, unit);
                Profile { name: new.name.filter(|_| *named), ..new }
            };
            text(store.put_profiles(profiles.iter().map(new).collect(), origin).await)
        }
        Operation::Registry(command) => text(store.change_registry(command.clone(), origin).await),
        Operation::Trim(part, limit) => text(store.trim_changes(tick * part / 100, *limit).await),
        Operation::Reset(associations) => text(store.reset(content(*associations).await, origin).await),
        Operation::Find(provider) => {
            let mut ids = IDS.map(external);
            ids.sort_unstable();
            let found = store.find_associations(*provider, &ids).await;
            text(found.map(|found| (found, store.registry().maintenance)))
        }
        Operation::List(provider, prefix, after, limit) => {
            let (prefix, after) = ((*prefix).to_owned(), after.map(external));
            let range = AssociationRange { prefix, after, limit: *limit };
            let count = text(store.count_associations(*provider).await);
            count + &text(store.list_associations(*provider, &range).await)
        }
        Operation::Changes(provider, after, limit) => {
            let filter = ChangeFilter { provider: *provider, after: *after, limit: *limit };
            text(store.list_changes(&filter).await)
        }
        Operation::Profiles(owner, after, limit) => {
            let after = after.map(amazon);
            let listed = store.list_profiles(&organization_id(owner), after.as_ref(), *limit).await;
            let found = store.find_profile(&amazon(PROFILES[0])).await;
            let of_unit = store.find_profile_of_unit(&profile(PROFILES[1], owner, PROFILES[1]).unit).await;
            text(listed) + &text(found) + &text(of_unit)
        }
        Operation::Resources(owner, changes) => {
            text(store.change_resources(&organization_id(owner), changes.clone(), origin).await)
        }
        Operation::Rows(owner, list) => resources::read(store, owner, *list).await,
        Operation::Compare | Operation::Reopen => String::new(),
    }
}

fn text<T: std::fmt::Debug>(outcome: Result<T, jackfield_store::StoreError>) -> String {
    format!("{:?}", outcome.expect("the store is available"))
}

/// The store is what it should be, as it says itself.
async fn verified(store: &dyn Store) {
    let mut tell = |finding: Finding| assert_eq!(finding.problem, "", "at {}", finding.place);
    let mut findings = Findings::new(&mut tell);
    let mut snapshot = store.snapshot().await.unwrap();
    verify(&mut *snapshot, Pace::Full, &mut findings, &mut |_| {}).await.unwrap();
}

async fn dump(store: &dyn Store) -> Dump {
    verified(store).await;
    let organizations = ORGANIZATIONS.map(organization_id);
    whole(store, &organizations, &resources::scopes()).await;
    Dump::of(store, &PROVIDERS.map(provider_id), &organizations, 37).await
}

/// Which number a change has on the store that is tested, where that leaves gaps: those of the reference model are
/// 1, 2, 3 …
#[derive(Default)]
struct Numbers {
    of_store: Vec<u64>,
}

impl Numbers {
    /// Takes in what was recorded since the last call.
    async fn learn(&mut self, store: &dyn Store) {
        let after = self.of_store.last().copied().unwrap_or_default();
        let filter = ChangeFilter { provider: None, after, limit: 1_000 };
        self.of_store.extend(changes(store, &filter).await.iter().map(|change| change.sequence));
    }

    /// The number in the reference model.
    fn plain(&self, of_store: u64) -> u64 {
        self.of_store.partition_point(|number| *number <= of_store) as u64
    }

    /// The number in the store of a number in the reference model.
    fn of_store(&self, plain: u64) -> u64 {
        let index = usize::try_from(plain).unwrap().checked_sub(1);
        index.map_or(0, |index| self.of_store.get(index).copied().unwrap_or(u64::MAX))
    }

    /// A dump with the numbers of the reference model.
    fn plain_dump(&self, mut dump: Dump) -> Dump {
        for change in &mut dump.changes {
            change.sequence = self.plain(change.sequence);
        }
        dump.last_change = self.plain(dump.last_change);
        dump
    }
}

/// Runs a case on PostgreSQL, one operation after the other: what is under way together has no order there.
async fn run_on_postgres(operations: &[Operation]) -> Result<(), String> {
    let (adapter, reference) = (Postgres::default(), MemoryStore::default());
    let mut store = adapter.open().await;
    let mut numbers = Numbers::default();
    for (tick, operation) in (0..).zip(operations) {
        let expected = apply(&reference, operation, tick).await;
        let (outcome, expected) = match operation {
            Operation::Changes(provider, after, limit) => {
                let list = async |store: &dyn Store, after| {
                    let filter = ChangeFilter { provider: *provider, after, limit: *limit };
                    store.list_changes(&filter).await.unwrap().changes
                };
                numbers.learn(&*store).await;
                let mut listed = list(&*store, numbers.of_store(*after)).await;
                listed.iter_mut().for_each(|change| change.sequence = numbers.plain(change.sequence));
                (format!("{listed:?}"), format!("{:?}", list(&reference, *after).await))
            }
            Operation::Trim(part, limit) => {
                numbers.learn(&*store).await;
                let through = numbers.of_store(tick * part / 100);
                (text(store.trim_changes(through, *limit).await), expected)
            }
            _ => (apply(&*store, operation, tick).await, expected),
        };
        if outcome != expected {
            return Err(format!("operation {tick}, {operation:?}: {outcome} instead of {expected}"));
        }
        if matches!(operation, Operation::Reopen) {
            store.close().await;
            store = adapter.open().await;
        }
    }
    numbers.learn(&*store).await;
    let difference = numbers.plain_dump(dump(&*store).await).difference(&dump(&reference).await);
    store.close().await;
    difference.map_or(Ok(()), Err)
}

/// Runs a case on a fresh pair of stores.
async fn run(operations: &[Operation]) -> Result<(), String> {
    let (adapter, reference) = (Embedded::in_memory(), MemoryStore::default());
    let mut store = adapter.open().await;
    let mut tick = 0;
    let mut rest = operations;
    while let Some(first) = rest.first() {
        let writes = rest.iter().take(TOGETHER).take_while(|operation| operation.is_write()).count();
        let (together, after) = rest.split_at(writes.max(1));
        rest = after;
        // Each is handed to the writer when it is first polled, and they are polled in their order.
        let base = tick;
        let outcomes =
            join_all(together.iter().zip(base..).map(|(operation, tick)| apply(&*store, operation, tick)))
                .await;
        for (operation, outcome) in together.iter().zip(outcomes) {
            let expected = apply(&reference, operation, tick).await;
            if outcome != expected {
                return Err(format!("operation {tick}, {operation:?}: {outcome} instead of {expected}"));
            }
            tick += 1;
        }
        if matches!(first, Operation::Reopen) {
            store.close().await;
            store = adapter.open().await;
        }
        if matches!(first, Operation::Reopen | Operation::Compare)
            && let Some(difference) = dump(&*store).await.difference(&dump(&reference).await)
        {
            return Err(format!("after operation {tick}: {difference}"));
        }
    }
    store.close().await;
    let store = adapter.open().await;
    let difference = dump(&*store).await.difference(&dump(&reference).await);
    store.close().await;
    difference.map_or(Ok(()), Err)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn random_operations_have_the_same_outcomes_as_on_the_reference() {
    check(number("JACKFIELD_MODEL_OPERATIONS").unwrap_or(100_000), 200, |operations, runtime| {
        runtime.block_on(run(operations))
    });
}

#[test]
fn random_operations_have_the_same_outcomes_on_postgres() {
    check(number("JACKFIELD_MODEL_OPERATIONS").unwrap_or(100_000) / 20, 30, |operations, runtime| {
        runtime.block_on(run_on_postgres(operations))
    });
}

fn check(
    wanted: u64,
    shrinks: u32,
    run: impl Fn(&[Operation], &tokio::runtime::Runtime) -> Result<(), String>,
) {
    let seed = number("JACKFIELD_MODEL_SEED").unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    let cases = u32::try_from(wanted.div_ceil(CASE as u64)).unwrap();
    println!("JACKFIELD_MODEL_SEED={seed}, {cases} cases of {CASE} operations");
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: shrinks, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::XorShift, &bytes));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result =
        runner.run(&operations(), |operations| run(&operations, &runtime).map_err(TestCaseError::fail));
    if let Err(error) = result {
        panic!("JACKFIELD_MODEL_SEED={seed}\n{error}");
    }
}
