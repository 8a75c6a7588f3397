"""The trust store: certificates of clients, and tokens for new ones."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.certificate import TrustedCertificate
from holdfast.server.answers import accepted, created, done, sync
from holdfast.server.etag import check_if_match, etag_of
from holdfast.server.instance_bodies import given
from holdfast.server.listing import api_url
from holdfast.server.peer import peer_of
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.certificates import CertificateChange, CertificateRequest
from holdfast.wire import certificate as wire

_LIST = "/1.0/certificates"
_ONE = _LIST + "/{fingerprint}"


async def list_certificates(request: ApiRequest) -> web.StreamResponse:
    found = await request.run(request.services.certificates.list, request.caller)
    if request.recursion:
        return sync([_shape(each) for each in found])
    return sync([api_url("certificates", each.fingerprint) for each in found])


async def add_certificate(request: ApiRequest) -> web.StreamResponse:
    """Trust the certificate that is sent or that the connection was made with, or make a token for a new client."""
    sent = await request.body(wire.CertificatesPost)
    wanted = CertificateRequest(
        name=sent.name,
        type=sent.type,
        restricted=sent.restricted,
        projects=sent.projects,
        certificate=sent.certificate,
        password=sent.trust_token or sent.password,
    )
    service = request.services.certificates
    if sent.token:
        return accepted(await request.run(service.issue_token, request.caller, wanted))
    added = await request.run(service.add, request.caller, wanted, peer_of(request.http))
    return created(api_url("certificates", added.fingerprint))


async def get_certificate(request: ApiRequest) -> web.StreamResponse:
    found = await _read(request)
    return sync(_shape(found), etag=_etag(found))


async def put_certificate(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.CertificatePut)
    change = CertificateChange(
        name=sent.name,
        type=sent.type,
        restricted=sent.restricted,
        projects=sent.projects,
        certificate=sent.certificate,
    )
    return await _change(request, change)


async def patch_certificate(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.CertificatePatch)
    change = CertificateChange(
        name=given(sent.name),
        type=given(sent.type),
        restricted=given(sent.restricted),
        projects=given(sent.projects),
        certificate=given(sent.certificate) or "",
    )
    return await _change(request, change)


async def delete_certificate(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.certificates.delete, request.caller, request.path("fingerprint"))
    return done()


async def _read(request: ApiRequest) -> TrustedCertificate:
    return await request.run(request.services.certificates.get, request.caller, request.path("fingerprint"))


async def _change(request: ApiRequest, change: CertificateChange) -> web.StreamResponse:
    before = await _read(request)
    check_if_match(request.header("If-Match"), _etag(before))
    await request.run(request.services.certificates.update, request.caller, before.fingerprint, change)
    return done()


def _shape(certificate: TrustedCertificate) -> wire.Certificate:
    return wire.Certificate(
        name=certificate.name,
        type=certificate.type.value,
        restricted=certificate.restricted,
        projects=list(certificate.projects),
        certificate=certificate.pem,
        fingerprint=certificate.fingerprint,
    )


def _etag(certificate: TrustedCertificate) -> str:
    return etag_of(
        certificate.fingerprint, certificate.name, certificate.type.value, certificate.restricted, certificate.projects
    )


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_certificates,
        summary="List trusted certificates",
        permission=Permission.TRUSTED,
        gives=list[wire.Certificate],
        query=("recursion",),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=add_certificate,
        summary="Trust a certificate, or make a token by which a new client becomes trusted",
        permission=Permission.ANYONE,
        answer=Answer.CREATED,
        takes=wire.CertificatesPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_certificate,
        summary="Show a trusted certificate",
        permission=Permission.TRUSTED,
        gives=wire.Certificate,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_certificate,
        summary="Replace a certificate's settings, or one's own certificate",
        permission=Permission.TRUSTED,
        takes=wire.CertificatePut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_certificate,
        summary="Change a certificate's settings, or one's own certificate",
        permission=Permission.TRUSTED,
        takes=wire.CertificatePatch,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_certificate,
        summary="Trust a certificate no more",
        permission=Permission.ADMIN,
    ),
)
