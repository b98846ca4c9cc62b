//! Regular expressions of Java's, compiled to automata: to match a text takes one step for each of its bytes, whatever the
//! expression is. One whose automaton would be too large is refused.

use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use crate::java_pattern;

/// The longest regular expression, in bytes.
const MAX_PATTERN: usize = 2 * 1024;
/// The most memory that may be used to make one, in bytes: with it, the time is bounded.
const MAX_SCRATCH: usize = 64 * 1024;

/// A regular expression of Java's (see `docs/protocol.md`, 6.1) that must match the whole of a text, as Diffusion's do.
#[derive(Clone, Debug)]
pub struct WholePattern {
    automaton: Arc<dense::DFA<Vec<u32>>>,
    start: StateID,
}

impl WholePattern {
    /// The most memory that an automaton may take, in bytes, or all those together that a client chooses at once: to make them takes
    /// a few milliseconds then.
    pub const MAX_MEMORY: usize = 512 * 1024;

    /// Compiles an expression.
    ///
    /// # Errors
    /// The reason, if it is none, means something that cannot be expressed here, or is too large.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        Self::compile_within(pattern, Self::MAX_MEMORY)
    }

    /// As [`WholePattern::compile`], in so many bytes of memory.
    ///
    /// # Errors
    /// As there.
    pub fn compile_within(pattern: &str, memory: usize) -> Result<Self, String> {
        Self::compile_with(pattern, "", memory)
    }

    /// As [`WholePattern::compile_within`], with an expression for what follows.
    pub(crate) fn compile_with(pattern: &str, rest: &str, memory: usize) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err("it is too long".to_owned());
        }
        // What is translated stands on its own: `a)|(b` would break out of the group.
        let pattern = java_pattern::translate(pattern)?;
        let too_large = || "it takes too much memory".to_owned();
        let automaton = dense::Builder::new()
            .configure(
                // Of all ways to match, one reaches the end: none is preferred.
                dense::Config::new()
                    .match_kind(MatchKind::All)
                    .start_kind(StartKind::Anchored)
                    .accelerate(false)
                    .dfa_size_limit(Some(memory))
                    .determinize_size_limit(Some(MAX_SCRATCH)),
            )
            .thompson(
                thompson::Config::new()
                    .nfa_size_limit(Some(MAX_SCRATCH))
                    .which_captures(WhichCaptures::None),
            )
            .build(&format!("(?:{pattern}){rest}"))
            .map_err(|error| {
                let is_nfa = |it: &(dyn std::error::Error + 'static)| {
                    it.downcast_ref::<thompson::BuildError>()
                        .is_some_and(|it| it.size_limit().is_some())
                };
                let source = std::error::Error::source(&error);
                if error.is_size_limit_exceeded() || source.is_some_and(is_nfa) {
                    too_large()
                } else {
                    source.map_or_else(|| error.to_string(), ToString::to_string)
                }
            })?;
        let at_start = start::Config::new().anchored(Anchored::Yes);
        let start = automaton
            .start_state(&at_start)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            automaton: Arc::new(automaton),
            start,
        })
    }

    /// How many bytes of memory it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.automaton.memory_usage()
    }

    /// Whether it matches the whole of a text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        let mut state = self.start;
        for byte in text.bytes() {
            state = self.automaton.next_state(state, byte);
            if self.automaton.is_dead_state(state) {
                return false;
            }
        }
        self.ends(state)
    }

    /// Whether it matches a path as far as each of its parts, in one pass: those that it does are marked.
    pub(crate) fn mark_matches(&self, path: &str, marks: &mut [bool]) {
        let mut marks = marks.iter_mut();
        let mut state = self.start;
        let mut mark = |state| {
            if let Some(mark) = marks.next() {
                *mark |= self.ends(state);
            }
        };
        for byte in path.bytes() {
            if byte == b'/' {
                mark(state);
            }
            state = self.automaton.next_state(state, byte);
            if self.automaton.is_dead_state(state) {
                return;
            }
        }
        mark(state);
    }

    /// Whether what was read is matched, if nothing follows.
    fn ends(&self, state: StateID) -> bool {
        self.automaton
            .is_match_state(self.automaton.next_eoi_state(state))
    }
}
