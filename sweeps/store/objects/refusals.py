"""Refusals of an object store as OSError with one line. obstore's own texts may carry names of keys, and are long."""

from __future__ import annotations

import errno
import re

NO_CREDENTIALS = "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a machine with a role"
NO_ANSWER = "the object store does not answer; see AWS_ENDPOINT_URL and AWS_REGION"
_CODE = re.compile(r"<Code>(\w+)</Code>")
_TOLD = {
    "NoSuchBucket": (errno.ENODEV, "no such bucket"),
    "InvalidAccessKeyId": (errno.EACCES, "the access key is not known there; see AWS_ACCESS_KEY_ID"),
    "SignatureDoesNotMatch": (errno.EACCES, "the secret key is not the access key's; see AWS_SECRET_ACCESS_KEY"),
    "ExpiredToken": (errno.EACCES, "the credentials have expired"),
    "AccessDenied": (errno.EACCES, "access denied"),
    "SlowDown": (errno.EAGAIN, "too many requests (SlowDown)"),
    "InternalError": (errno.EAGAIN, "refused with code InternalError"),
    "ServiceUnavailable": (errno.EAGAIN, "refused with code ServiceUnavailable"),
    "PermanentRedirect": (errno.EINVAL, "the bucket is in another region; see AWS_REGION"),
}


def code_of(problem: BaseException) -> str | None:
    """The code that S3 gives a refusal, None where it gave none.

    Example:
        >>> code_of(OSError("404: <Error><Code>NoSuchBucket</Code></Error>"))
        'NoSuchBucket'
    """
    found = _CODE.search(str(problem))
    return found[1] if found else None


def refusal(problem: BaseException, where: str) -> OSError:
    """What obstore raised, as OSError with a number, one line, and where."""
    code, text = code_of(problem), str(problem)
    if code is not None:
        number, told = _TOLD.get(code, (errno.EIO, f"refused with code {code}"))
    elif "/latest/" in text or "169.254.170" in text or "credential" in text.lower():  # asked the machine for its role
        number, told = errno.EACCES, NO_CREDENTIALS
    elif re.search(r"status code: 40[13]", text):
        number, told = errno.EACCES, "access denied"
    elif (status := re.search(r"status code: (\d{3})", text)) is not None:
        number = errno.EAGAIN if status[1].startswith("5") else errno.EIO
        told = f"answered with status {status[1]}"
    elif "HTTP error" in text:
        number, told = errno.EHOSTUNREACH, NO_ANSWER
    else:
        number, told = errno.EIO, f"the request failed ({type(problem).__name__})"
    return OSError(number, told, where)
