//! The same PDUs, however TCP cuts them.

use volley_pipeline::LostCause;
use volley_smpp::pdu::{CommandId, CommandStatus, encode_header_only};

use crate::smsc::{Owner, Smsc, answer, batch, options, receipt};

/// Two answers, a receipt between them, and an enquire_link.
fn exchange(sequences: [u32; 2]) -> Vec<u8> {
    let mut octets = answer(sequences[0], b"first");
    octets.extend(receipt(40, "first"));
    octets.extend(answer(sequences[1], b"second"));
    encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, 41, &mut octets);
    octets
}

#[tokio::test]
async fn pdus_may_be_cut_at_every_octet() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 2;
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    let n_octets = exchange([1, 2]).len();
    for cut in 1..n_octets {
        owner.log = Default::default();
        owner.carrier.submit(batch(0..2));
        let submits = link.submits(2).await;
        let octets = exchange([submits[0].sequence, submits[1].sequence]);
        link.write(&octets[..cut]).await;
        // Long enough for the first part to be read on its own, mostly.
        tokio::time::sleep(std::time::Duration::from_micros(1_500)).await;
        link.write(&octets[cut..]).await;
        owner.wait_for(|log| log.answers.len() == 2 && log.receipts.len() == 1).await;
        let ids: Vec<_> = owner.log.answers.iter().map(|(_, id)| id.clone().unwrap()).collect();
        assert_eq!((ids, owner.log.receipts[0].0.as_str()), (vec!["first".into(), "second".into()], "first"));
        assert_eq!(link.read().await.unwrap().id, CommandId::EnquireLinkResp);
        owner.carrier.acknowledge(&owner.log.handles);
        assert_eq!(link.read().await.unwrap().id, CommandId::DeliverSmResp, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_connection_may_end_at_every_octet() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 2;
    settings.backoff.first = std::time::Duration::from_millis(1);
    settings.backoff.max = std::time::Duration::from_millis(1);
    let mut owner = Owner::start(settings);
    let [first, second] = [answer(1, b"first").len(), answer(1, b"second").len()];
    let receipt_len = receipt(40, "first").len();
    for end in 0..exchange([1, 2]).len() {
        let mut link = smsc.bound().await;
        owner.wait_for(|log| !log.bound.is_empty()).await;
        owner.carrier.submit(batch(0..2));
        let submits = link.submits(2).await;
        link.write(&exchange([submits[0].sequence, submits[1].sequence])[..end]).await;
        link.cut();
        owner.wait_for(|log| log.n_sessions_ended == 1).await;
        let answered = u32::from(end >= first) + u32::from(end >= first + receipt_len + second);
        assert_eq!(owner.log.answered(), (0..answered).collect::<Vec<_>>(), "ended at {end}");
        assert_eq!(owner.log.lost(), (answered..2).collect::<Vec<_>>(), "ended at {end}");
        assert!(owner.log.lost.iter().all(|(_, cause)| *cause == LostCause::ConnectionLost));
        assert_eq!(owner.log.receipts.len(), usize::from(end >= first + receipt_len));
        owner.log = Default::default();
    }
}
