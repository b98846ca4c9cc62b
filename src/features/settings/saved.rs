//! The services that a reader keeps for another time. Passwords are none of their business.

use serde::{Deserialize, Serialize};

use crate::features::join::form::version_text;
use crate::features::join::query;
use crate::features::join::service::{IN_BROWSER, Service, parse_service};

/// A service with a name for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedService {
    /// What the reader calls it.
    pub name: String,
    /// Where it is.
    pub service: Service,
    /// The principal to sign in as; empty if it is the same as the reader's name.
    pub account: String,
}

impl SavedService {
    /// What [`Form::apply`](crate::features::join::form::Form::apply) reads to fill it in.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let service = &self.service;
        let mut pairs = if service.in_browser {
            vec![("service", IN_BROWSER.to_owned())]
        } else {
            vec![
                ("host", service.host.clone()),
                ("port", service.port.to_string()),
                ("path", service.path.clone()),
                ("secure", service.secure.to_string()),
            ]
        };
        pairs.push(("version", version_text(service.version)));
        pairs.push(("account", self.account.clone()));
        pairs
    }
}

/// All that were kept, in the order they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedServices {
    list: Vec<SavedService>,
    default: Option<usize>,
}

impl SavedServices {
    /// Those that were kept.
    pub fn list(&self) -> &[SavedService] {
        &self.list
    }

    /// The place of the one that the page begins with.
    pub fn default_place(&self) -> Option<usize> {
        self.default
    }

    /// The one that the page begins with.
    pub fn default_service(&self) -> Option<&SavedService> {
        self.list.get(self.default?)
    }

    /// Keeps one more, or another name for one that is kept with this account.
    pub fn keep(&mut self, saved: SavedService) {
        let known = self.list.iter_mut().find(|known| {
            known.service.address() == saved.service.address() && known.account == saved.account
        });
        match known {
            Some(known) => *known = saved,
            None => self.list.push(saved),
        }
    }

    /// Gives one another name; an empty one leaves it as it is.
    pub fn rename(&mut self, place: usize, name: &str) {
        let name = name.trim();
        if let Some(saved) = self.list.get_mut(place).filter(|_| !name.is_empty()) {
            saved.name = name.to_owned();
        }
    }

    /// Keeps one no longer.
    pub fn remove(&mut self, place: usize) {
        if place < self.list.len() {
            self.list.remove(place);
            self.default = match self.default {
                Some(default) if default == place => None,
                Some(default) if default > place => Some(default - 1),
                default => default,
            };
        }
    }

    /// Begins with this one from now on, or with what was used last.
    pub fn set_default(&mut self, place: Option<usize>) {
        self.default = place.filter(|place| *place < self.list.len());
    }

    /// Reads what earlier versions of the page stored: a line for each service, in the form of an address's query.
    pub fn from_lines(text: &str) -> Self {
        let mut saved = Self::default();
        for line in text.lines() {
            let pairs = query::parse(line);
            let part = |name: &str| {
                let mut values = pairs.iter().filter(|(key, _)| key == name);
                values
                    .next_back()
                    .map_or_else(String::new, |(_, value)| value.clone())
            };
            let secure = part("secure") == "true";
            let Ok(service) = parse_service(&part("host"), &part("port"), "", secure) else {
                continue;
            };
            saved.list.push(SavedService {
                name: part("name"),
                service: service.with_version(part("version").parse().ok()),
                account: part("account"),
            });
            if part("default") == "true" {
                saved.default = Some(saved.list.len() - 1);
            }
        }
        saved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::join::form::Form;

    fn saved(name: &str, host: &str) -> SavedService {
        SavedService {
            name: name.to_owned(),
            service: Service {
                host: host.to_owned(),
                port: 443,
                secure: true,
                version: Some(18),
                ..Service::default()
            },
            account: "ada & co".to_owned(),
        }
    }

    #[test]
    fn one_is_filled_in_from_what_is_stored_of_it_alone() {
        let of = |service: Service, account: &str| SavedService {
            service,
            account: account.to_owned(),
            ..saved("A", "a.example")
        };
        let far = saved("A", "::1").service;
        for saved in [
            saved("A", "a.example"),
            of(far.clone(), ""),
            of(far.with_version(None), "user"),
            of(Service::in_browser(), ""),
            of(Service::default(), ""),
            of(Service::default().beside("/app/"), "ann"),
        ] {
            let mut chosen = Form::default();
            chosen.apply(&query::parse("host=b.example&port=1&path=/b&account=bob"));
            let mut filled = chosen.clone();
            chosen.choose(&saved);
            chosen.apply(&[]);
            let pairs = saved.to_pairs().into_iter();
            let pairs: Vec<_> = pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            filled.apply(&pairs);
            assert_eq!(filled.to_pairs(), chosen.to_pairs(), "{saved:?}");
            assert_eq!(filled.sign_in(), chosen.sign_in(), "{saved:?}");
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let mut services = SavedServices::default();
        services.keep(saved("Wörk & home\n=", "a.example"));
        services.keep(saved("B", "::1"));
        services.set_default(Some(1));
        let stored = serde_json::to_string(&services).unwrap();
        let read: SavedServices = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, services);
    }

    #[test]
    fn what_earlier_versions_stored_is_read() {
        let lines = "x\nhost=a&port=70000\nport=1\n\u{0}\n\
            name=W%C3%B6rk&host=a.example&port=443&secure=true&version=18&account=ada+%26+co&default=\n\
            name=B&host=%3A%3A1&port=8080&secure=false&version=&account=&default=true\n";
        let read = SavedServices::from_lines(lines);
        let [first, second] = read.list() else {
            panic!("{read:?}");
        };
        assert_eq!(*first, saved("Wörk", "a.example"));
        assert_eq!(second.service.address(), "[::1]:8080");
        assert_eq!(second.service.version, None);
        assert_eq!(read.default_place(), Some(1));
    }

    #[test]
    fn the_same_service_is_kept_once() {
        let mut services = SavedServices::default();
        for (name, host) in [("A", "a.example"), ("B", "b.example"), ("C", "a.example")] {
            services.keep(saved(name, host));
        }
        services.rename(1, " D ");
        services.rename(1, "  ");
        services.rename(7, "E");
        let names = services.list().iter().map(|saved| saved.name.as_str());
        assert!(names.eq(["C", "D"]));
    }

    #[test]
    fn the_default_stays_the_same_service_when_another_is_removed() {
        let mut services = SavedServices::default();
        for host in ["a", "b", "c"] {
            services.keep(saved(host, host));
        }
        services.set_default(Some(2));
        services.remove(0);
        assert_eq!(services.default_service().unwrap().name, "c");
        services.remove(1);
        assert_eq!(services.default_service(), None);
        services.remove(9);
        services.set_default(Some(5));
        assert_eq!((services.list().len(), services.default_place()), (1, None));
    }
}
