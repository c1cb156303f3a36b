//! What of a carrier can be seen to be wrong before it is used.

use super::{BindType, CarrierKind, CarrierOptions, Concatenation, TlsForm, statuses, tlvs};

impl CarrierOptions {
    /// What can't work, in words; the carrier's name goes before them.
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_kind()?;
        for host in self.hosts.iter().chain(self.receiver.iter().flat_map(|receiver| &receiver.hosts)) {
            check_host(host)?;
        }
        let receiver_id = self.receiver.as_ref().and_then(|receiver| receiver.system_id.as_deref());
        for (key, value, max, section) in [
            ("system-id", self.system_id.as_str(), 15, "5.2.1"),
            ("receiver.system-id", receiver_id.unwrap_or(""), 15, "5.2.1"),
            ("service-type", self.service_type.as_str(), 5, "5.2.11"),
            ("system-type", self.system_type.as_str(), 12, "5.2.3"),
            ("address-range", self.address_range.as_str(), 40, "5.2.7"),
        ] {
            if value.len() > max {
                return Err(format!("`{key}` has more than {max} characters (SMPP 3.4, {section})"));
            }
        }
        if !self.languages.is_empty() && matches!(self.concatenation, Concatenation::Sar | Concatenation::Payload) {
            return Err("`languages` need a header before the text, which `concatenation` udh8 or udh16 allows alone"
                .to_owned());
        }
        self.tls.check()?;
        self.check_receiver()?;
        self.check_times()?;
        if self.retry.as_ref().is_some_and(Vec::is_empty) {
            return Err("`retry` is empty: write at least one wait".to_owned());
        }
        if self.priority > 3 {
            return Err(format!("`priority` is {}: possible is 0 to 3", self.priority));
        }
        if self.min_validity.zip(self.max_validity).is_some_and(|(min, max)| min > max) {
            return Err("`min-validity` is longer than `max-validity`".to_owned());
        }
        self.receipts.check()?;
        self.query.map_or(Ok(()), |query| query.check())?;
        tlvs::check(&self.tlvs)?;
        statuses::check(&self.statuses)
    }

    fn check_kind(&self) -> Result<(), String> {
        match self.kind {
            CarrierKind::Smpp if self.hosts.is_empty() => {
                Err("no `hosts`: write `hosts = [\"smsc.example:2775\"]`".to_owned())
            }
            CarrierKind::Smpp if self.simulator.is_some() => {
                Err("of kind smpp, and can't have a `simulator` table".to_owned())
            }
            CarrierKind::Simulated if self.tls != TlsForm::Off => {
                Err("of kind simulated, which speaks no TLS: leave out `tls`".to_owned())
            }
            CarrierKind::Simulated if !self.hosts.is_empty() => {
                Err("of kind simulated, and can't have `hosts`: use `kind = \"smpp\"`".to_owned())
            }
            CarrierKind::Smpp | CarrierKind::Simulated => Ok(()),
        }
    }

    fn check_receiver(&self) -> Result<(), String> {
        let Some(receiver) = &self.receiver else { return Ok(()) };
        if self.bind_type == BindType::Transceiver {
            return Err("a `receiver` table needs `bind-type = \"pair\"`".to_owned());
        }
        if !receiver.hosts.is_empty() && receiver.hosts.len() != self.hosts.len() {
            let (n, n_hosts) = (receiver.hosts.len(), self.hosts.len());
            return Err(format!("`receiver.hosts` has {n} entries and `hosts` {n_hosts}: write one for each, or none"));
        }
        if receiver.hosts.is_empty() && receiver.system_id.is_none() && receiver.password.is_none() {
            return Err("`receiver` is empty: leave it out when nothing differs".to_owned());
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), String> {
        let timers = self.timers.given().map(|(key, time)| ("timers", key, time));
        let reconnect = self.reconnect.given().map(|(key, time)| ("reconnect", key, time));
        for (table, key, time) in timers.into_iter().chain(reconnect) {
            if time.is_some_and(|time| time.0.is_zero()) {
                return Err(format!("`{table}.{key}` is zero"));
            }
        }
        for (key, short, long) in [
            ("response-timeout", self.response_timeout, self.timers.response),
            ("enquire-interval", self.enquire_interval, self.timers.enquire_interval),
        ] {
            if short.is_some() && long.is_some() {
                return Err(format!("`{key}` stands here and in `timers`: leave out one"));
            }
        }
        Ok(())
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    match port {
        Some(port) if port > 0 => Ok(()),
        Some(_) | None => Err(format!("host `{host}` has no port: write \"smsc.example:2775\"")),
    }
}
