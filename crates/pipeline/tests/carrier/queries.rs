//! Questions (query_sm): written within window and pace, answered once, and never taken for submits.

use std::time::Duration;

use volley_core::{MessageToken, ReceiptState, RowIndex};
use volley_pipeline::{Question, Told};
use volley_smpp::pdu::{
    Address, CommandId, CommandStatus, Header, MAX_PDU_LEN, Pdu, QuerySm, QuerySmResp, split_frame,
};

use crate::smsc::{Link, Owner, Seen, Smsc, batch, options};

fn header(command_id: CommandId, sequence_number: u32) -> Header {
    Header { command_length: 0, command_id, command_status: CommandStatus::ROK, sequence_number }
}

fn question(row: u32) -> Question {
    let id = format!("id-{row}").into_bytes();
    let source = Address { ton: 5, npi: 0, addr: b"ACME" };
    let mut pdu = Vec::new();
    Pdu::QuerySm(QuerySm { message_id: &id, source }).encode(&header(CommandId::QuerySm, 0), &mut pdu).unwrap();
    Question { token: MessageToken::new(RowIndex(row), 0), id, pdu }
}

/// The next PDU, which must be a question: its id.
async fn asked(link: &mut Link) -> (Seen, String) {
    let seen = link.read().await.unwrap();
    let pdu = split_frame(&seen.octets, MAX_PDU_LEN).unwrap().unwrap();
    let Ok(Pdu::QuerySm(query)) = pdu.decode() else { panic!("a question: {seen:?}") };
    let id = String::from_utf8(query.message_id.to_vec()).unwrap();
    (seen, id)
}

async fn tell(link: &mut Link, sequence: u32, id: &str, message_state: u8) {
    let resp = QuerySmResp { message_id: id.as_bytes(), message_state, error_code: 9, ..QuerySmResp::default() };
    let mut out = Vec::new();
    Pdu::QuerySmResp(resp).encode(&header(CommandId::QuerySmResp, sequence), &mut out).unwrap();
    link.write(&out).await;
}

#[tokio::test]
async fn questions_take_a_quarter_of_the_window_and_come_back_with_what_was_said() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 8;
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.query((0..5).map(question));
    let (first, id) = asked(&mut link).await;
    let (second, _) = asked(&mut link).await;
    assert_eq!((id.as_str(), link.is_silent_for(Duration::from_millis(100)).await), ("id-0", true));
    owner.carrier.submit(batch(100..120));
    let submits = link.submits(6).await;
    assert!(link.is_silent_for(Duration::from_millis(100)).await, "eight are open");

    // What answers a question is no answer to a submit, nor the other way round.
    tell(&mut link, submits[0].sequence, "id-0", 2).await;
    link.accept_submit(&submits[0]).await;
    tell(&mut link, first.sequence, "id-0", 5).await;
    tell(&mut link, first.sequence, "id-0", 2).await;
    link.header(CommandId::QuerySmResp, CommandStatus::RQUERYFAIL, second.sequence).await;
    owner.wait_for(|log| log.told.len() == 2).await;
    let state = |state| Told::State { state, error_code: 9 };
    let refused = |status| Told::Refused { status };
    let expected = [(0, state(ReceiptState::Undeliverable)), (1, refused(CommandStatus::RQUERYFAIL))];
    assert_eq!((owner.log.told.as_slice(), owner.log.answers.len()), (&expected[..], 1));
    assert_eq!(owner.carrier.status().binds[0].n_unknown_answers, 2);

    let mut left = Vec::new();
    while left.len() < 2 {
        match link.read().await.unwrap() {
            seen if seen.id == CommandId::QuerySm => left.push(seen.sequence),
            seen => link.accept_submit(&seen).await,
        }
    }
    // Of another message; and an operation that is not known.
    tell(&mut link, left[0], "id-4", 2).await;
    link.header(CommandId::GenericNack, CommandStatus::RINVCMDID, left[1]).await;
    owner.wait_for(|log| log.told.len() == 4).await;
    let expected = [(2, refused(CommandStatus::RUNKNOWNERR)), (3, refused(CommandStatus::RINVCMDID))];
    assert_eq!(owner.log.told[2..], expected);
    link.cut();
    owner.wait_for(|log| log.told.len() == 5 && log.n_sessions_ended == 1).await;
    assert_eq!(owner.log.told[4], (4, Told::Nothing));
    assert!(owner.log.lost().iter().all(|row| *row >= 100), "a question leaves nothing in doubt");
}

#[tokio::test]
async fn an_unanswered_question_ends_alone() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.timers.response = Duration::from_millis(200);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.query([question(7)]);
    let (seen, _) = asked(&mut link).await;
    owner.wait_for(|log| !log.told.is_empty()).await;
    assert_eq!(owner.log.told, [(7, Told::Nothing)]);
    tell(&mut link, seen.sequence, "id-7", 2).await;
    owner.carrier.submit(batch(1..2));
    let submit = link.submits(1).await.remove(0);
    link.accept_submit(&submit).await;
    owner.wait_for(|log| log.answers.len() == 1).await;
    assert_eq!((owner.log.told.len(), owner.log.n_sessions_ended), (1, 0));
}
