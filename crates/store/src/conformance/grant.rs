//! Authorization codes and refresh tokens.

use jackfield_model::{ScopeSet, limit};

use super::Adapter;
use super::world::{NORTH, World, client, client_id, refresh_token};
use crate::registry::{
    Client, CodeId, GrantCommand, Presented, Redemption, RefreshTokenId, Replacement, SecretHash, SpentCode,
    Standing,
};
use crate::{RegistryCommand, RegistryOutcome, Timestamp};

fn change(command: GrantCommand) -> RegistryCommand {
    RegistryCommand::ChangeGrants(client_id("c1"), command)
}

/// A code that lives for ten seconds after `now`, exchanged for the refresh token of this number.
fn redeem(code: u8, token: u8, now: u64) -> RegistryCommand {
    change(GrantCommand::Redeem(Redemption {
        code: SpentCode { id: CodeId([code; 16]), expires: now + 10, by: None },
        token: SecretHash([token; 32]),
        family: RefreshTokenId([token; 8]),
        scopes: ScopeSet::parse("one").unwrap(),
        issued: Timestamp(7),
        now,
    }))
}

fn presented(token: u8, family: Option<u8>) -> Presented {
    let family = family.map(|byte| RefreshTokenId([byte; 8]));
    Presented { hash: SecretHash([token; 32]), family }
}

/// The token with the second number in the place of the first, which says that it is of this family.
fn replace(old: u8, family: Option<u8>, new: u8) -> RegistryCommand {
    let new = SecretHash([new; 32]);
    change(GrantCommand::Replace(Replacement { old: presented(old, family), new }))
}

fn holder(world: &World) -> Client {
    Client::clone(&world.store.registry().clients[&client_id("c1")])
}

pub(super) async fn a_code_is_redeemed_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.registry(redeem(1, 1, 100)).await, RegistryOutcome::NotFound, "no such client");
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[]))).await;
    world.done(redeem(1, 1, 100)).await;
    assert_eq!(world.registry(redeem(2, 1, 100)).await, RegistryOutcome::RefreshTokenTaken);
    let world = world.again(adapter).await;
    let token = holder(&world).refresh_tokens[0].clone();
    assert_eq!((token.scopes, token.code), (ScopeSet::parse("one").ok(), Some(CodeId([1; 16]))));
    let before = world.last_change().await;
    // The second time takes back what the first gave, in one commit that is recorded.
    assert_eq!(world.registry(redeem(1, 2, 101)).await, RegistryOutcome::CodeSpent);
    assert_eq!(world.changes_after(before).await, 1);
    let world = world.again(adapter).await;
    assert_eq!(holder(&world).refresh_tokens, []);
    // Neither that nor a revocation makes the code good again.
    assert_eq!(world.registry(redeem(1, 2, 109)).await, RegistryOutcome::CodeSpent);
    world.done(redeem(2, 2, 109)).await;
    world.done(change(GrantCommand::Revoke(RefreshTokenId([2; 8])))).await;
    assert_eq!(world.registry(redeem(2, 3, 109)).await, RegistryOutcome::CodeSpent);
    // What has expired is forgotten.
    world.done(redeem(3, 3, 110)).await;
    let kept: Vec<CodeId> = holder(&world).spent_codes.iter().map(|spent| spent.id).collect();
    assert_eq!(kept, [CodeId([2; 16]), CodeId([3; 16])]);
}

pub(super) async fn consent_never_pushes_out_what_an_operator_issued(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let most = u8::try_from(limit::REFRESH_TOKENS).unwrap();
    let issued: Vec<u8> = (1..most).collect();
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &issued))).await;
    world.done(redeem(1, 201, 0)).await;
    world.done(redeem(2, 202, 0)).await;
    let hashes: Vec<u8> = holder(&world).refresh_tokens.iter().map(|token| token.hash.0[0]).collect();
    assert_eq!(hashes, [issued, vec![202]].concat(), "the oldest that came from consent went");
    let full = client("c2", NORTH, &(101..=100 + most).collect::<Vec<u8>>());
    world.done(RegistryCommand::CreateClient(full)).await;
    let RegistryCommand::ChangeGrants(_, redemption) = redeem(3, 203, 0) else { unreachable!("as made") };
    let command = RegistryCommand::ChangeGrants(client_id("c2"), redemption);
    assert_eq!(world.registry(command).await, RegistryOutcome::TooManyRefreshTokens);
}

/// The same, allowed by this person.
fn redeem_by(code: u8, by: &str) -> RegistryCommand {
    let RegistryCommand::ChangeGrants(id, GrantCommand::Redeem(mut redemption)) = redeem(code, code, 0)
    else {
        unreachable!("as made")
    };
    redemption.code.by = Some(by.to_owned());
    redemption.code.expires = 10 + u64::from(code) * 100;
    redemption.now = u64::from(code) * 100;
    RegistryCommand::ChangeGrants(id, GrantCommand::Redeem(redemption))
}

pub(super) async fn a_person_pushes_out_what_is_his(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[]))).await;
    let most = u8::try_from(limit::REFRESH_TOKENS).unwrap();
    world.done(redeem_by(0, "user")).await;
    for number in 1..=most + 50 {
        world.done(redeem_by(number, "stranger")).await;
    }
    let world = world.again(adapter).await;
    let held = holder(&world).refresh_tokens;
    assert_eq!(held.len(), limit::REFRESH_TOKENS);
    let by = |token: &crate::registry::RefreshToken| token.by.clone().unwrap();
    assert_eq!((by(&held[0]), held[0].hash.0[0]), ("user".to_owned(), 0), "it is still there");
    assert!(held[1..].iter().all(|token| by(token) == "stranger"));
    world.done(redeem_by(most + 51, "user")).await;
    let hashes: Vec<u8> = holder(&world).refresh_tokens.iter().map(|token| token.hash.0[0]).collect();
    assert_eq!((hashes[0], hashes.last()), (0, Some(&(most + 51))), "the stranger made room for it");
}

pub(super) async fn spent_codes_of_a_person_are_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[]))).await;
    let at_once = |number: u8, by: &str| {
        let RegistryCommand::ChangeGrants(id, GrantCommand::Redeem(mut redemption)) = redeem_by(number, by)
        else {
            unreachable!("as made")
        };
        redemption.code.expires = 10;
        redemption.now = 0;
        RegistryCommand::ChangeGrants(id, GrantCommand::Redeem(redemption))
    };
    let most = u8::try_from(limit::SPENT_CODES_OF_PERSON).unwrap();
    for number in 0..most {
        world.done(at_once(number, "stranger")).await;
    }
    assert_eq!(world.registry(at_once(most, "stranger")).await, RegistryOutcome::TooManyRefreshTokens);
    world.done(at_once(most, "user")).await;
}

pub(super) async fn spent_codes_are_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[]))).await;
    for number in 0..limit::SPENT_CODES {
        let number = u8::try_from(number).unwrap();
        world.done(redeem(number, number, 0)).await;
    }
    let last = u8::try_from(limit::SPENT_CODES).unwrap();
    assert_eq!(world.registry(redeem(last, last, 0)).await, RegistryOutcome::TooManyRefreshTokens);
    world.done(redeem(last, last, 10)).await;
    assert_eq!(holder(&world).refresh_tokens.len(), limit::REFRESH_TOKENS);
}

pub(super) async fn a_refresh_token_is_replaced_and_revoked(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[1, 2]))).await;
    world.done(replace(1, None, 3)).await;
    assert_eq!(world.registry(replace(9, None, 4)).await, RegistryOutcome::NotFound);
    assert_eq!(world.registry(replace(3, Some(1), 2)).await, RegistryOutcome::RefreshTokenTaken);
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert!(registry.client_of_refresh_token(&refresh_token(1).hash).is_none());
    assert!(registry.client_of_refresh_token(&refresh_token(3).hash).is_some());
    let client = holder(&world);
    let Standing::Current(replacement) = client.standing(&presented(3, Some(1))) else {
        panic!("it is the current one")
    };
    assert_eq!(client.standing(&presented(1, None)), Standing::Replaced(replacement));
    assert_eq!(replacement.id(), refresh_token(1).id(), "the id stays");
    world.done(change(GrantCommand::Revoke(refresh_token(1).id()))).await;
    let again = change(GrantCommand::Revoke(refresh_token(1).id()));
    assert_eq!(world.registry(again).await, RegistryOutcome::NotFound);
    let world = world.again(adapter).await;
    assert_eq!(holder(&world).refresh_tokens, [refresh_token(2)]);
}

pub(super) async fn any_earlier_token_ends_its_family(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[100]))).await;
    // Old tokens say nothing of a family: the first has its id, and the last of them is remembered.
    for (first, thief) in [(1, (1, None)), (11, (12, None)), (21, (23, Some(21))), (31, (34, Some(31)))] {
        world.done(redeem(first, first, 0)).await;
        world.done(replace(first, None, first + 1)).await;
        world.done(replace(first + 1, None, first + 2)).await;
        world.done(replace(first + 2, Some(first), first + 3)).await;
        world.done(replace(first + 3, Some(first), first + 4)).await;
        let held = holder(&world).refresh_tokens.len();
        let before = world.last_change().await;
        let (token, family) = thief;
        let outcome = world.registry(replace(token, family, 99)).await;
        assert_eq!(outcome, RegistryOutcome::RefreshTokenReused, "{token}");
        assert_eq!(world.changes_after(before).await, 1, "it is recorded");
        assert_eq!(holder(&world).refresh_tokens.len(), held - 1);
        // Nothing of the family is good any more, the current one neither.
        for (old, family) in [(first + 4, Some(first)), (token, family)] {
            assert_eq!(world.registry(replace(old, family, 99)).await, RegistryOutcome::NotFound);
        }
    }
    let world = world.again(adapter).await;
    assert_eq!(holder(&world).refresh_tokens, [refresh_token(100)], "others are left alone");
    // A family is begun once, and a token of one family is none of another.
    world.done(redeem(41, 41, 0)).await;
    let RegistryCommand::ChangeGrants(id, GrantCommand::Redeem(again)) = redeem(42, 42, 0) else {
        unreachable!("as made")
    };
    let again = Redemption { family: RefreshTokenId([41; 8]), ..again };
    let command = RegistryCommand::ChangeGrants(id, GrantCommand::Redeem(again));
    assert_eq!(world.registry(command).await, RegistryOutcome::RefreshTokenTaken);
    assert_eq!(world.registry(replace(43, Some(100), 44)).await, RegistryOutcome::RefreshTokenReused);
    assert_eq!(holder(&world).refresh_tokens.len(), 1);
}
