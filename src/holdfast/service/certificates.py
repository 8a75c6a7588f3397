"""The trust store: which clients are known, how new ones become so, and what each may do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from holdfast.db import certificates, projects
from holdfast.db.database import Connection, Database
from holdfast.model.access import Access, Trust
from holdfast.model.certificate import (
    CertificateType,
    TrustedCertificate,
    certificate_type,
    check_certificate_name,
)
from holdfast.model.clock import Clock
from holdfast.model.errors import (
    BadRequestError,
    CertificateNotFoundError,
    ConflictError,
    NotAuthorizedError,
    ProjectNotFoundError,
)
from holdfast.model.expiry import expiry_time
from holdfast.model.guess_limit import GuessLimit
from holdfast.model.operation import JsonValue, Operation
from holdfast.model.server_keys import TOKEN_EXPIRY_KEY
from holdfast.model.trust_token import TrustToken, parse_trust_token
from holdfast.service.caller import Caller
from holdfast.service.certificate_material import Material, read_base64, read_der, read_pem
from holdfast.service.events import EventBus
from holdfast.service.listening import ListeningAddresses
from holdfast.service.resources import url
from holdfast.service.server_certificate import ServerCertificate
from holdfast.service.server_config import ServerConfigService
from holdfast.service.trust_password import is_password
from holdfast.service.trust_tokens import TrustTokens


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateRequest:
    """What is asked to be trusted. `certificate` is base64 of a certificate, "" for the one of the connection."""

    name: str = ""
    type: str = ""
    restricted: bool = False
    projects: Sequence[str] = ()
    certificate: str = ""
    password: str = ""
    """A password or a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateChange:
    """What a certificate's row is to be; None: as it was. `certificate` is PEM, "" for as it was."""

    name: str | None = None
    type: str | None = None
    restricted: bool | None = None
    projects: Sequence[str] | None = None
    certificate: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """The other end of a connection: its certificate as DER if it has shown one, and its address without the port."""

    certificate: bytes | None
    address: str


class CertificateService:
    """Reads and changes the trust store; thread-safe."""

    def __init__(
        self,
        *,
        database: Database,
        server_config: ServerConfigService,
        events: EventBus,
        clock: Clock,
        tokens: TrustTokens,
        own: ServerCertificate,
        addresses: ListeningAddresses,
    ) -> None:
        self._database, self._server_config, self._events, self._clock = database, server_config, events, clock
        self._tokens, self._own, self._addresses = tokens, own, addresses
        self._guesses = GuessLimit(clock.monotonic)

    # --- who may what ---------------------------------------------------------------------------------------------

    def access_of(self, fingerprint: str) -> Access:
        """Return what the client with this certificate may do."""
        with self._database.read() as connection:
            found = certificates.find(connection, fingerprint)
        if found is None or not found.is_valid(self._clock.now()):
            return Access(Trust.NONE, fingerprint=fingerprint)
        if found.type is CertificateType.METRICS:
            return Access(Trust.METRICS, fingerprint=fingerprint)
        if found.restricted:
            return Access(Trust.RESTRICTED, frozenset(found.projects), fingerprint)
        return Access(Trust.FULL, fingerprint=fingerprint)

    # --- reading --------------------------------------------------------------------------------------------------

    def list(self, caller: Caller) -> list[TrustedCertificate]:
        """Return those that the caller may see: who is restricted sees itself. LXD shows it all of them."""
        with self._database.read() as connection:
            return [each for each in certificates.list_all(connection) if _may_see(caller, each)]

    def get(self, caller: Caller, fingerprint: str) -> TrustedCertificate:
        """Return one by the beginning of its fingerprint."""
        with self._database.read() as connection:
            return _get(connection, caller, fingerprint)

    # --- becoming trusted -----------------------------------------------------------------------------------------

    def add(self, caller: Caller, request: CertificateRequest, peer: Peer) -> TrustedCertificate:
        """Trust a certificate, on the word of who is trusted fully, or for a password or token."""
        if caller.access.is_admin:
            return self._add_for_admin(caller, request, peer)
        if caller.access.is_trusted:
            if not request.certificate:
                raise BadRequestError("Client is already trusted")
            raise NotAuthorizedError
        return self._add_for_stranger(caller, request, peer)

    def issue_token(self, caller: Caller, request: CertificateRequest) -> Operation:
        """Make a token by which one client becomes what the request says."""
        if not caller.access.is_admin:
            raise NotAuthorizedError
        kind = certificate_type(request.type)
        check_certificate_name(request.name)
        self.check_projects(request.projects)
        addresses = self._addresses.list()
        if not addresses:
            raise BadRequestError("Can't issue token when server isn't listening on network")
        expires_at = expiry_time(self._server_config.get(TOKEN_EXPIRY_KEY), self._clock.now())
        kept: dict[str, JsonValue] = {
            "name": request.name,
            "type": kind.value,
            "restricted": request.restricted,
            "projects": [*request.projects],
            "certificate": "",
            "password": "",
            "token": True,
        }
        return self._tokens.issue(
            caller, kept, addresses=addresses, fingerprint=self._own.fingerprint, expires_at=expires_at
        )

    def expire_tokens(self) -> None:
        """End the tokens whose time is over."""
        self._tokens.expire()

    def _add_for_admin(self, caller: Caller, request: CertificateRequest, peer: Peer) -> TrustedCertificate:
        if not request.certificate:
            if peer.certificate is not None:
                raise BadRequestError("Client is already trusted")
            raise BadRequestError("No client certificate provided")
        return self._insert(caller, certificate_type(request.type), request, read_base64(request.certificate), peer)

    def _add_for_stranger(self, caller: Caller, request: CertificateRequest, peer: Peer) -> TrustedCertificate:
        if not request.password:
            raise NotAuthorizedError
        token = parse_trust_token(request.password)
        with self._guesses.guess(peer.address):
            request = self._as_issued(caller, token, request, peer) if token else self._as_asked(request)
        return self._insert(caller, certificate_type(request.type), request, _material(request, peer), peer)

    def _as_asked(self, request: CertificateRequest) -> CertificateRequest:
        """Return the request if its password is the right one."""
        if not is_password(request.password, self._server_config.password_hash()):
            raise NotAuthorizedError
        return request

    def _as_issued(
        self, caller: Caller, token: TrustToken, request: CertificateRequest, peer: Peer
    ) -> CertificateRequest:
        """Return what the token was issued for; the token is used up then. What the client asks for means nothing."""
        _material(request, peer)  # a token isn't used up for somebody who shows nothing
        issued = self._tokens.use(caller, token.client_name, token.secret)
        if issued is None:
            raise NotAuthorizedError("No matching certificate add operation found")
        listed = issued.get("projects")
        return replace(
            request,
            name=str(issued["name"]),
            type=str(issued["type"]),
            restricted=issued["restricted"] is True,
            projects=[str(each) for each in listed] if isinstance(listed, list) else [],
        )

    def _insert(
        self, caller: Caller, kind: CertificateType, request: CertificateRequest, material: Material, peer: Peer
    ) -> TrustedCertificate:
        name = request.name or material.common_name or peer.address
        check_certificate_name(name)
        made = _certificate(name, kind, request.restricted, request.projects, material)
        with self._database.write() as connection:
            _check_projects(connection, made.projects)
            if certificates.find(connection, made.fingerprint) is not None:
                if not caller.access.is_admin:
                    raise BadRequestError("Client is already trusted")
                raise ConflictError("Certificate already in trust store")
            certificates.insert(connection, made)
        self._events.lifecycle(caller, None, "certificate-created", url("certificates", made.fingerprint))
        return made

    def check_projects(self, names: Iterable[str]) -> None:
        """Raise `ProjectNotFoundError` for a project that isn't there."""
        with self._database.read() as connection:
            _check_projects(connection, names)

    # --- changing -------------------------------------------------------------------------------------------------

    def update(self, caller: Caller, fingerprint: str, change: CertificateChange) -> None:
        """Change a row. Who isn't trusted fully may exchange its own certificate for a new one, and nothing else.

        LXD lets restricted clients choose their own projects by PATCH; that isn't followed.
        """
        with self._database.write() as connection:
            before = _get(connection, caller, fingerprint)
            after = _changed(before, change)
            if not caller.access.is_admin and _settings_of(after) != _settings_of(before):
                raise NotAuthorizedError("Only the certificate can be changed")
            if after.projects != before.projects:
                _check_projects(connection, after.projects)
            if after.fingerprint != before.fingerprint and certificates.find(connection, after.fingerprint):
                raise ConflictError("Certificate already in trust store")
            certificates.update(connection, before.fingerprint, after)
        self._events.lifecycle(caller, None, "certificate-updated", url("certificates", after.fingerprint))

    def delete(self, caller: Caller, fingerprint: str) -> None:
        """Trust a certificate no more."""
        if not caller.access.is_admin:
            raise NotAuthorizedError
        with self._database.write() as connection:
            found = _get(connection, caller, fingerprint)
            certificates.delete(connection, found.fingerprint)
        self._events.lifecycle(caller, None, "certificate-deleted", url("certificates", found.fingerprint))


def _material(request: CertificateRequest, peer: Peer) -> Material:
    if request.certificate:
        return read_base64(request.certificate)
    if peer.certificate is None:
        raise BadRequestError("No client certificate provided")
    return read_der(peer.certificate)


def _certificate(
    name: str, kind: CertificateType, restricted: bool, names: Iterable[str], material: Material
) -> TrustedCertificate:
    return TrustedCertificate(
        fingerprint=material.fingerprint,
        name=name,
        type=kind,
        restricted=restricted,
        projects=tuple(sorted(set(names))),
        pem=material.pem,
        valid_from=material.valid_from,
        valid_until=material.valid_until,
    )


def _changed(before: TrustedCertificate, change: CertificateChange) -> TrustedCertificate:
    if change.type is not None and change.type != before.type:
        raise NotAuthorizedError("The certificate type cannot be changed")
    after = before
    if change.name is not None:
        check_certificate_name(change.name)
        after = replace(after, name=change.name)
    if change.restricted is not None:
        after = replace(after, restricted=change.restricted)
    if change.projects is not None:
        after = replace(after, projects=tuple(sorted(set(change.projects))))
    if not change.certificate:
        return after
    return _certificate(after.name, after.type, after.restricted, after.projects, read_pem(change.certificate))


def _settings_of(certificate: TrustedCertificate) -> tuple[object, ...]:
    return certificate.name, certificate.type, certificate.restricted, certificate.projects


def _check_projects(connection: Connection, names: Iterable[str]) -> None:
    for name in names:
        if projects.get(connection, name) is None:
            raise ProjectNotFoundError(name)


def _may_see(caller: Caller, certificate: TrustedCertificate) -> bool:
    return caller.access.is_admin or certificate.fingerprint == caller.access.fingerprint


def _get(connection: Connection, caller: Caller, fingerprint: str) -> TrustedCertificate:
    found = [
        each
        for each in certificates.list_all(connection)
        if each.fingerprint.startswith(fingerprint.lower()) and _may_see(caller, each)
    ]
    if len(found) > 1:
        raise BadRequestError("More than one certificate matches")
    if not found or not fingerprint:
        raise CertificateNotFoundError(fingerprint)
    return found[0]
