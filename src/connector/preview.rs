//! What would be sent: a request built to its end, and not sent.
use serde_json::{Map, Value};

use super::caller::content_type;
use super::redact::Redactor;
use super::request::{self, Prepared};
use super::status::Subject;
use super::{Caller, Connection, HttpRequest, Secret, http, mail, token};
use crate::catalog::{Connector, Operation};
use crate::record::{Failure, Request};

impl Caller {
    /// The request that [`Caller::call`] would send, with secrets replaced, and without the header that signs it. Nothing is sent.
    ///
    /// # Errors
    /// A [`Failure`] of the mapping, as the call would end with; or where the secret cannot be read, by which it is known what to
    /// replace.
    pub async fn preview(
        &self,
        connection: &Connection,
        connector: &Connector,
        operation: &Operation,
        input: &Map<String, Value>,
    ) -> Result<Request, Failure> {
        let request = request::build(connection, connector, operation, input)?;
        let secret = self.kept(connection).await.map_err(|error| error.failure().clone())?;
        let shown = self.shown(&request, Some(connection), secret.as_deref());
        if mail::is_at(&request.url) {
            let redactor = Redactor { secret: secret.as_deref(), header: None, parameter: None };
            let (connection, connector, operation) = (Some(connection), Some(connector), Some(operation));
            mail::check(&Subject { request: &request, connection, connector, operation, redactor })?;
        }
        Ok(shown)
    }

    /// The same of [`Caller::send`].
    ///
    /// # Errors
    /// As [`Caller::preview`].
    pub async fn preview_http(&self, request: HttpRequest, signed_by: Option<&Connection>) -> Result<Request, Failure> {
        let request = http::prepare(request, signed_by)?;
        let secret = match signed_by {
            Some(connection) => self.kept(connection).await.map_err(|error| error.failure().clone())?,
            None => None,
        };
        Ok(self.shown(&request, signed_by, secret.as_deref()))
    }

    fn shown(&self, request: &Prepared, connection: Option<&Connection>, secret: Option<&Secret>) -> Request {
        let header = connection.and_then(|it| token::header_of(&it.auth));
        let key = connection.and_then(|it| token::in_query(&it.auth, secret));
        let redactor = Redactor { secret, header: header.as_deref(), parameter: key.map(|it| it.0) };
        let most = self.settings().max_log_body_bytes;
        Request {
            method: request.method.as_str().to_owned(),
            url: redactor.url(&request.url),
            headers: redactor.headers(&request.headers),
            body: redactor.body(&request.body, content_type(&request.headers), most, true),
        }
    }
}
