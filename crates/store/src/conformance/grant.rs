//! Authorization codes and refresh tokens.

use jackfield_model::{ScopeSet, limit};

use super::Adapter;
use super::world::{NORTH, World, client, client_id, refresh_token};
use crate::registry::{
    Client, CodeId, GrantCommand, Redemption, RefreshTokenId, Replacement, SecretHash, SpentCode,
};
use crate::{RegistryCommand, RegistryOutcome, Timestamp};

fn change(command: GrantCommand) -> RegistryCommand {
    RegistryCommand::ChangeGrants(client_id("c1"), command)
}

/// A code that lives for ten seconds after `now`, exchanged for the refresh token of this number.
fn redeem(code: u8, token: u8, now: u64) -> RegistryCommand {
    change(GrantCommand::Redeem(Redemption {
        code: SpentCode { id: CodeId([code; 16]), expires: now + 10 },
        token: SecretHash([token; 32]),
        scopes: ScopeSet::parse("one").unwrap(),
        issued: Timestamp(7),
        now,
    }))
}

fn own(world: &World) -> Client {
    Client::clone(&world.store.registry().clients[&client_id("c1")])
}

pub(super) async fn a_code_is_redeemed_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.registry(redeem(1, 1, 100)).await, RegistryOutcome::NotFound, "no such client");
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[]))).await;
    world.done(redeem(1, 1, 100)).await;
    assert_eq!(world.registry(redeem(2, 1, 100)).await, RegistryOutcome::RefreshTokenTaken);
    let world = world.again(adapter).await;
    let token = own(&world).refresh_tokens[0].clone();
    assert_eq!((token.scopes, token.code), (ScopeSet::parse("one").ok(), Some(CodeId([1; 16]))));
    let before = world.last_change().await;
    // The second time takes back what the first gave, in one commit that is recorded.
    assert_eq!(world.registry(redeem(1, 2, 101)).await, RegistryOutcome::CodeSpent);
    assert_eq!(world.changes_after(before).await, 1);
    let world = world.again(adapter).await;
    assert_eq!(own(&world).refresh_tokens, []);
    // Neither that nor a revocation makes the code good again.
    assert_eq!(world.registry(redeem(1, 2, 109)).await, RegistryOutcome::CodeSpent);
    world.done(redeem(2, 2, 109)).await;
    world.done(change(GrantCommand::Revoke(RefreshTokenId([2; 8])))).await;
    assert_eq!(world.registry(redeem(2, 3, 109)).await, RegistryOutcome::CodeSpent);
    // What has expired is forgotten.
    world.done(redeem(3, 3, 110)).await;
    let kept: Vec<CodeId> = own(&world).spent_codes.iter().map(|spent| spent.id).collect();
    assert_eq!(kept, [CodeId([2; 16]), CodeId([3; 16])]);
}

pub(super) async fn consent_never_pushes_out_what_an_operator_issued(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let most = u8::try_from(limit::REFRESH_TOKENS).unwrap();
    let issued: Vec<u8> = (1..most).collect();
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &issued))).await;
    world.done(redeem(1, 201, 0)).await;
    world.done(redeem(2, 202, 0)).await;
    let hashes: Vec<u8> = own(&world).refresh_tokens.iter().map(|token| token.hash.0[0]).collect();
    assert_eq!(hashes, [issued, vec![202]].concat(), "the oldest that came from consent went");
    let full = client("c2", NORTH, &(101..=100 + most).collect::<Vec<u8>>());
    world.done(RegistryCommand::CreateClient(full)).await;
    let RegistryCommand::ChangeGrants(_, redemption) = redeem(3, 203, 0) else { unreachable!("as made") };
    let command = RegistryCommand::ChangeGrants(client_id("c2"), redemption);
    assert_eq!(world.registry(command).await, RegistryOutcome::TooManyRefreshTokens);
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
    assert_eq!(own(&world).refresh_tokens.len(), limit::REFRESH_TOKENS);
}

pub(super) async fn a_refresh_token_is_replaced_and_revoked(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[1, 2]))).await;
    let replace = |old: u8, new: u8| {
        change(GrantCommand::Replace(Replacement { old: SecretHash([old; 32]), new: SecretHash([new; 32]) }))
    };
    world.done(replace(1, 3)).await;
    assert_eq!(world.registry(replace(1, 4)).await, RegistryOutcome::NotFound, "it was replaced");
    assert_eq!(world.registry(replace(3, 2)).await, RegistryOutcome::RefreshTokenTaken);
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert!(registry.client_of_refresh_token(&refresh_token(1).hash).is_none());
    assert!(registry.client_of_refresh_token(&refresh_token(3).hash).is_some());
    let client = own(&world);
    let replacement = client.replacement_of(&refresh_token(1).hash).unwrap();
    assert_eq!(replacement.id(), refresh_token(1).id(), "the id stays");
    assert!(client.holds(refresh_token(1).id()) && client.refresh_token(&refresh_token(3).hash).is_some());
    world.done(change(GrantCommand::Revoke(refresh_token(1).id()))).await;
    let again = change(GrantCommand::Revoke(refresh_token(1).id()));
    assert_eq!(world.registry(again).await, RegistryOutcome::NotFound);
    let world = world.again(adapter).await;
    assert_eq!(own(&world).refresh_tokens, [refresh_token(2)]);
}
