"""SMS: Twilio's Messages resource. It knows no second try: one that was not answered may arrive twice."""

from __future__ import annotations

import base64

import httpx
from pydantic import SecretStr

from shared.alerts.config import AuthTokenSecret, SmsConfig
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import message
from shared.model.alert import Alert

MAX_TEXT = 1600


class Sms:
    """One telephone."""

    def __init__(self, config: SmsConfig, secret: AuthTokenSecret, client: httpx.AsyncClient) -> None:
        self._config = config
        self._token: SecretStr = secret.auth_token
        token = secret.auth_token.get_secret_value()
        # as it stands in the header, should the service repeat that
        basic = base64.b64encode(f"{config.account_sid}:{token}".encode()).decode()
        self._post = Post(client, Mask([token, basic]))

    async def send(self, alert: Alert) -> int:
        """201 says that it is on its way to the telephone."""
        sid = self._config.account_sid
        url = f"{self._config.api_url.rstrip('/')}/2010-04-01/Accounts/{sid}/Messages.json"
        form = {"To": self._config.to, "From": self._config.sender, "Body": message(alert, MAX_TEXT)}
        auth = httpx.BasicAuth(sid, self._token.get_secret_value())
        answer = await self._post(url, (201,), data=form, auth=auth)
        return answer.status
