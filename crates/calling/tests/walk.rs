//! A random walk over calls of several organizations, held to a model: what a message, an act or a deadline comes to, who
//! sees which call, and that each one ends.

use std::collections::HashMap;

use jackfield_calling::{
    AddressType, CallResult, CallState, Delivery, Direction, Effect, Message, Participant, Parties,
    RenegotiationType, Sdp, Session, SessionId, Table, Time,
};
use jackfield_model::{OrganizationId, limit};

const STEPS: usize = 100_000;
const ORGANIZATIONS: usize = 3;
const IDS: usize = 6;

/// A call as a person would keep it: its state, and what was said.
#[derive(Clone, Debug)]
struct Model {
    direction: Direction,
    state: CallState,
    early: Option<usize>,
    answer: Option<usize>,
    /// The open renegotiation: by the cloud, its offer, whether the device has answered.
    update: Option<(bool, usize, bool)>,
    response: Option<usize>,
    updates_answered: bool,
    accept_sent: bool,
}

impl Model {
    fn new(direction: Direction) -> Self {
        let state = if direction == Direction::Inbound { CallState::Ringing } else { CallState::Initiated };
        let (early, answer, update, response) = (None, None, None, None);
        Self {
            direction,
            state,
            early,
            answer,
            update,
            response,
            updates_answered: false,
            accept_sent: false,
        }
    }

    /// Whether a message of the cloud is taken, and what becomes of the call.
    fn take(&mut self, kind: usize, sdp: usize) -> bool {
        use CallState::{Accepted, Ended, InProgress, Initiated, Ringing};
        let outbound = self.direction == Direction::Outbound;
        if self.state == Ended {
            return false;
        }
        match kind {
            0 => {
                if outbound && self.state == Initiated {
                    self.state = Ringing;
                }
                outbound
            }
            1 if outbound && self.state == Ringing => {
                (self.state, self.early) = (InProgress, Some(sdp));
                true
            }
            1 => outbound && self.early == Some(sdp),
            2 if outbound && matches!(self.state, Ringing | InProgress) => {
                (self.state, self.answer) = (Accepted, Some(sdp));
                true
            }
            2 => outbound && self.answer == Some(sdp),
            3 => !outbound,
            4 => {
                let sent = !outbound && self.early.is_some();
                if sent && self.state == InProgress {
                    (self.state, self.accept_sent) = (Accepted, true);
                }
                sent
            }
            5 => !outbound && self.accept_sent,
            6 if self.state != Accepted => false,
            6 => match self.update {
                None => {
                    self.update = Some((true, sdp, false));
                    true
                }
                Some((by_cloud, offer, _)) => by_cloud && offer == sdp,
            },
            7 if self.update.is_some_and(|(by_cloud, ..)| !by_cloud) => {
                (self.update, self.response) = (None, Some(sdp));
                true
            }
            7 => self.response == Some(sdp),
            8 => {
                let answered = self.update.is_some_and(|(by_cloud, _, answered)| by_cloud && answered);
                if answered {
                    self.update = None;
                }
                answered || self.updates_answered
            }
            _ => {
                self.end();
                true
            }
        }
    }

    fn answer(&mut self, sdp: usize) -> bool {
        let rings = self.direction == Direction::Inbound && self.state == CallState::Ringing;
        if rings {
            (self.state, self.early) = (CallState::InProgress, Some(sdp));
        }
        rings
    }

    fn update(&mut self, sdp: usize) -> bool {
        match self.update {
            _ if self.state != CallState::Accepted => false,
            None => {
                self.update = Some((false, sdp, false));
                true
            }
            Some((true, offer, false)) => {
                (self.update, self.updates_answered) = (Some((true, offer, true)), true);
                true
            }
            Some(_) => false,
        }
    }

    fn end(&mut self) {
        (self.state, self.update) = (CallState::Ended, None);
    }
}

fn sdp(number: usize) -> Sdp {
    Sdp::new(&format!("v=0\no=- {number} 0 IN IP4 127.0.0.1\n")).expect("a description")
}

fn message(kind: usize, number: usize) -> Message {
    let update = RenegotiationType::Update;
    match kind {
        0 => Message::CallRinging,
        1 => Message::CallInProgress(sdp(number)),
        2 => Message::CallAccepted(sdp(number)),
        3 => Message::CallRingingAck,
        4 => Message::CallInProgressAck,
        5 => Message::CallAcceptedAck,
        6 => Message::CallUpdate(sdp(number), update),
        7 => Message::CallUpdateResponse(sdp(number), update),
        8 => Message::CallUpdateAck,
        _ => Message::CallEnded(CallResult::new("SUCCESS", "")),
    }
}

struct Walk {
    random: fastrand::Rng,
    table: Table<Vec<u64>>,
    models: HashMap<(usize, usize), Model>,
    now: Time,
}

impl Walk {
    fn organization(number: usize) -> OrganizationId {
        OrganizationId::new(&format!("amzn1.alexa.unit.did.o{number}")).expect("an id")
    }

    fn id(number: usize) -> SessionId {
        SessionId::new(&format!("session {number}")).expect("an id")
    }

    fn begin(&mut self, place: (usize, usize)) {
        let (organization, id) = (Self::organization(place.0), Self::id(place.1));
        let party = |value: &str, is_originator| Participant {
            address_type: AddressType::RawAddress,
            value: value.to_owned(),
            is_originator,
        };
        let participants = vec![party("a", true), party("b", false)];
        let parties = Parties { from: "a".to_owned(), to: "b".to_owned(), caller_name: None, skill: None };
        let (direction, (session, effects)) = if self.random.bool() {
            let message = Message::InitiateOutboundCall { participants, offer: sdp(0) };
            (Direction::Outbound, Session::outbound(id, organization, parties, message, self.now))
        } else {
            let message = Message::InitiateInboundCall { participants, offer: sdp(0), caller_name: None };
            (Direction::Inbound, Session::inbound(id, organization, parties, &message, self.now))
        };
        let lives = self.models.get(&place).is_some_and(|model| model.state != CallState::Ended);
        assert_eq!(self.table.insert(session, Vec::new()).is_err(), lives, "an id is that of one live call");
        if !lives {
            self.models.insert(place, Model::new(direction));
            self.keep(place, effects);
        }
    }

    /// Messages that go to the skill wait there until they are delivered.
    fn keep(&mut self, place: (usize, usize), effects: Vec<Effect>) {
        let sent = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send { entry, .. } => Some(entry),
            Effect::Device(_) => None,
        });
        self.table.with(&Self::organization(place.0), &Self::id(place.1), |_, waiting| waiting.extend(sent));
    }

    fn step(&mut self) {
        let place = (self.random.usize(..ORGANIZATIONS), self.random.usize(..IDS));
        let (what, number) = (self.random.usize(..100), self.random.usize(..3));
        let (organization, id, now) = (Self::organization(place.0), Self::id(place.1), self.now);
        let known = self.models.contains_key(&place);
        let outcome = match what {
            0..10 => return self.begin(place),
            10..70 => {
                let kind = self
                    .random
                    .choice([0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7, 8, 8, 0, 1, 2, 3, 9])
                    .expect("it has items");
                let message = message(kind, number);
                let taken =
                    self.table.with(&organization, &id, |session, _| session.from_cloud(&message, now));
                let model = self.models.get_mut(&place).map(|model| model.take(kind, number));
                assert_eq!(
                    taken.as_ref().map(Result::is_ok),
                    model,
                    "{message:?} {:?}",
                    self.models.get(&place)
                );
                taken
            }
            70..85 => {
                let answers = what < 76;
                let acted = self.table.with(&organization, &id, |session, _| match answers {
                    true => session.answer_call(sdp(number), now),
                    false => session.update(sdp(number), RenegotiationType::Update, now),
                });
                let act =
                    |model: &mut Model| if answers { model.answer(number) } else { model.update(number) };
                let model = self.models.get_mut(&place).map(act);
                assert_eq!(acted.as_ref().map(Result::is_ok), model, "{:?}", self.models.get(&place));
                acted
            }
            85..97 => return self.deliver(place),
            97 => return self.pass(place),
            _ => {
                let hung_up = self.table.with(&organization, &id, |session, _| {
                    session.hang_up(CallResult::new("SUCCESS", ""), now)
                });
                let live = |model: &Model| model.state != CallState::Ended;
                assert_eq!(hung_up.as_ref().map(Result::is_ok), self.models.get(&place).map(live));
                self.models.get_mut(&place).into_iter().for_each(Model::end);
                hung_up
            }
        };
        assert_eq!(outcome.is_some(), known, "a call of one organization is nobody else's");
        self.keep(place, outcome.and_then(Result::ok).unwrap_or_default());
    }

    fn deliver(&mut self, place: (usize, usize)) {
        let fails = self.random.u8(..) < 4;
        let delivery = if fails { Delivery::Failed("gone".to_owned()) } else { Delivery::Taken(200) };
        let now = self.now;
        let done = self.table.with(&Self::organization(place.0), &Self::id(place.1), |session, waiting| {
            let entry = (!waiting.is_empty()).then(|| waiting.remove(0))?;
            Some(session.delivered(entry, delivery, now))
        });
        if let Some(effects) = done.flatten() {
            if fails {
                self.models.get_mut(&place).expect("it is there").end();
            }
            self.keep(place, effects);
        }
    }

    /// Time goes on to the next deadline of a call. The model has no clock: it learns what became overdue.
    fn pass(&mut self, place: (usize, usize)) {
        let (organization, id) = (Self::organization(place.0), Self::id(place.1));
        let deadline = self.table.with(&organization, &id, |session, _| session.next_deadline()).flatten();
        self.now = self.now.max(deadline.unwrap_or_default());
        let now = self.now;
        for (place, model) in &mut self.models {
            let (organization, id) = (Self::organization(place.0), Self::id(place.1));
            let expired = self.table.with(&organization, &id, |session, waiting| {
                let sent = session.expire(now);
                waiting.extend(sent.into_iter().filter_map(|effect| match effect {
                    Effect::Send { entry, .. } => Some(entry),
                    Effect::Device(_) => None,
                }));
                assert!(session.next_deadline().is_none_or(|next| next > now), "a deadline runs on");
                (session.state(), session.open_offer().is_some())
            });
            let Some((state, open)) = expired else { continue };
            if state == CallState::Ended {
                model.end();
            } else if state == CallState::Accepted && model.state == CallState::InProgress {
                (model.state, model.accept_sent) = (state, true);
            }
            model.update = model.update.filter(|(by_cloud, _, answered)| !by_cloud || *answered || open);
            // A renegotiation that the cloud leaves open, or does not acknowledge, is given up as well.
            let settled = self.table.with(&organization, &id, |session, _| session.has_open_update());
            model.update = model.update.filter(|_| settled == Some(true));
        }
    }

    fn compare(&mut self) {
        for (place, model) in &self.models {
            let found = self.table.with(&Self::organization(place.0), &Self::id(place.1), |session, _| {
                (session.direction(), session.state(), session.next_deadline().is_some())
            });
            let (direction, state, runs) = found.expect("none was let go");
            assert_eq!((direction, state), (model.direction, model.state));
            assert_eq!(runs, state != CallState::Ended, "a live call has a deadline, so that none is stuck");
        }
        assert_eq!(self.table.len(), self.models.len());
        let bytes: usize = self.table.newest_first().map(|(session, _)| session.bytes()).sum();
        assert_eq!(self.table.bytes(), bytes);
    }
}

#[test]
fn a_random_walk_agrees_with_the_model() {
    let seed =
        std::env::var("JACKFIELD_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("JACKFIELD_TEST_SEED={seed}");
    let random = fastrand::Rng::with_seed(seed);
    let mut walk = Walk { random, table: Table::default(), models: HashMap::new(), now: Time(1) };
    for step in 0..STEPS {
        walk.step();
        if step % 16 == 0 {
            walk.compare();
        }
    }
    walk.compare();
    walk.now = walk.now.after(limit::CALL_DURATION);
    for place in walk.models.keys() {
        let (organization, id, now) = (Walk::organization(place.0), Walk::id(place.1), walk.now);
        walk.table.with(&organization, &id, |session, _| session.expire(now));
    }
    assert!(walk.table.newest_first().all(|(session, _)| session.state() == CallState::Ended));
}

#[test]
fn ended_calls_give_way_and_live_ones_do_not() {
    let mut table: Table<()> = Table::default();
    let organization = Walk::organization(0);
    let begin = |number: usize| {
        let offer = Sdp::new(&format!("v=0\n{}", "a".repeat(30_000))).unwrap();
        let message = Message::InitiateOutboundCall { participants: Vec::new(), offer };
        let parties = Parties { from: String::new(), to: String::new(), caller_name: None, skill: None };
        Session::outbound(Walk::id(number), Walk::organization(0), parties, message, Time(0)).0
    };
    for number in 0..limit::LIVE_CALLS_OF_ORGANIZATION {
        table.insert(begin(number), ()).unwrap();
    }
    let error = table.insert(begin(1_000_000), ()).unwrap_err().to_string();
    assert_eq!(error, "The organization has 1000 calls that have not ended, which is the most allowed.");
    for number in 1..limit::LIVE_CALLS_OF_ORGANIZATION {
        let ended = |session: &mut Session, (): &mut ()| {
            session.hang_up(CallResult::new("SUCCESS", ""), Time(1)).is_ok()
        };
        assert_eq!(table.with(&organization, &Walk::id(number), ended), Some(true));
    }
    for number in 2_000..12_000 {
        table.insert(begin(number), ()).unwrap();
        let ended = |session: &mut Session, (): &mut ()| {
            session.hang_up(CallResult::new("SUCCESS", ""), Time(1)).is_ok()
        };
        table.with(&organization, &Walk::id(number), ended).unwrap();
        assert!(table.len() <= limit::CALLS && table.bytes() <= limit::CALLS_BYTES + 100_000);
    }
    assert_eq!(table.find(&Walk::id(0)), Some(organization.clone()), "it lives");
    assert_eq!(table.find(&Walk::id(1)), None);
    assert_eq!(table.find(&Walk::id(11_999)), Some(organization));
    assert_eq!(table.newest_first().next().unwrap().0.id(), &Walk::id(11_999));
}
