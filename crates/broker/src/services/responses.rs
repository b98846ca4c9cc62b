//! What services that change topics answer.

use effusion_protocol::body::{
    AddTopicResult, ApplyJsonPatchResponse, ResponseBody, UpdateStreamAddResponse,
    UpdateStreamCreated,
};
use effusion_protocol::{ErrorReason, ErrorReport, ProtocolVersion, ServiceId};

use crate::errors::error;
use crate::topics::Outcome;

/// The response of a service for what a change came to.
pub(crate) fn of(
    service: ServiceId,
    outcome: Outcome,
    version: ProtocolVersion,
) -> Result<ResponseBody, ErrorReport> {
    let added = |is_new| {
        if is_new {
            AddTopicResult::Created
        } else {
            AddTopicResult::Exists
        }
    };
    Ok(match (service, outcome) {
        (ServiceId::AddTopic, Outcome::Added(is_new)) => ResponseBody::AddTopic(added(is_new)),
        (ServiceId::SetTopic, Outcome::Done) => ResponseBody::SetTopic(()),
        (ServiceId::AddAndSetTopic, Outcome::Added(is_new)) => {
            ResponseBody::AddAndSetTopic(added(is_new))
        }
        (ServiceId::UpdateTopicSet, Outcome::Result(result)) => {
            ResponseBody::UpdateTopicSet(result)
        }
        (ServiceId::UpdateTopicDelta, Outcome::Result(result)) => {
            ResponseBody::UpdateTopicDelta(result)
        }
        (ServiceId::TimeSeriesAppend, Outcome::Event(event)) => {
            ResponseBody::TimeSeriesAppend(event)
        }
        (ServiceId::TimeSeriesAppendAt, Outcome::Event(event)) => {
            ResponseBody::TimeSeriesAppendAt(event)
        }
        (ServiceId::TimeSeriesEdit, Outcome::Event(event)) => ResponseBody::TimeSeriesEdit(event),
        (ServiceId::ApplyJsonPatch, Outcome::Patched(failed)) => {
            let failed = failed.map_or(-1, |index| i32::try_from(index).unwrap_or(i32::MAX));
            ResponseBody::ApplyJsonPatch(ApplyJsonPatchResponse { failed })
        }
        (ServiceId::CheckUpdateStream, Outcome::Done) => ResponseBody::CheckUpdateStream(()),
        (ServiceId::StreamSet, Outcome::Done) => ResponseBody::StreamSet(()),
        (ServiceId::StreamApplyDelta, Outcome::Done) => ResponseBody::StreamApplyDelta(()),
        (
            service,
            Outcome::Stream {
                added: is_new,
                stream,
                takes_deltas,
            },
        ) => {
            let flags = u8::from(takes_deltas) * UpdateStreamCreated::TAKES_DELTAS;
            let created = UpdateStreamCreated {
                stream,
                // 15 has none, 29 needs them; what lies between was not seen.
                flags: version.answers_without_service().then_some(flags),
            };
            match (service, is_new) {
                (ServiceId::CreateUpdateStream, None) => ResponseBody::CreateUpdateStream(created),
                (ServiceId::CreateUpdateStreamAndSet, None) => {
                    ResponseBody::CreateUpdateStreamAndSet(created)
                }
                (ServiceId::StreamAddTopic, Some(is_new)) => {
                    ResponseBody::StreamAddTopic(UpdateStreamAddResponse {
                        result: added(is_new),
                        created,
                    })
                }
                (ServiceId::StreamAddAndSetTopic, Some(is_new)) => {
                    ResponseBody::StreamAddAndSetTopic(UpdateStreamAddResponse {
                        result: added(is_new),
                        created,
                    })
                }
                _ => return Err(unexpected(service)),
            }
        }
        (service, _) => return Err(unexpected(service)),
    })
}

fn unexpected(service: ServiceId) -> ErrorReport {
    error(
        ErrorReason::UnexpectedTopicError,
        format!("The service '{service}' came to a result that it has no answer for"),
    )
}
