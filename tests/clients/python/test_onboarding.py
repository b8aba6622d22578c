"""The onboarding of an integrator, from the login to the last delete, as client code in the field does it with requests.

Nothing here knows which server answers: the names are the real ones, the port is the usual one, and the operating
system decides where they lead and which certificates are trusted. Credentials come from the environment.
"""

import os
import unittest
import uuid
from urllib.parse import urlencode

import requests

LOGIN = "https://api.amazon.com/auth/o2/token"
API = "https://api.amazonalexa.com/v1/communications"
TIMEOUT = 30


def credentials():
    return {
        "grant_type": "refresh_token",
        "refresh_token": os.environ["LWA_REFRESH_TOKEN"],
        "client_id": os.environ["LWA_CLIENT_ID"],
        "client_secret": os.environ["LWA_CLIENT_SECRET"],
    }


class Api:
    """The API with an access token: every call answers the response, whatever its status."""

    def __init__(self):
        answer = requests.post(LOGIN, data=credentials(), timeout=TIMEOUT)
        answer.raise_for_status()
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]

    def call(self, method, path, body=None):
        return self.session.request(method, API + path, json=body, timeout=TIMEOUT)


def association(room, amazon_id):
    return {"externalUserId": room, "amazonId": amazon_id, "amazonIdType": "communication-profile"}


class Login(unittest.TestCase):
    def test_every_form_in_use(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        json = {"Content-Type": "application/json"}
        bodies = {
            "form": (credentials(), None),
            "form as text": (urlencode(credentials()), form),
            "form that says it is JSON": (urlencode(credentials()), json),
            "no content type": (urlencode(credentials()).encode(), None),
            "a scope in brackets": ({**credentials(), "scope[0]": "alexa::enterprise:management"}, None),
        }
        for name, (body, headers) in bodies.items():
            with self.subTest(name):
                answer = requests.post(LOGIN, data=body, headers=headers, timeout=TIMEOUT)
                self.assertEqual(answer.status_code, 200, answer.text)
                self.assertEqual(answer.headers["Cache-Control"], "no-store")
                token = answer.json()
                self.assertEqual((token["token_type"], token["expires_in"]), ("bearer", 3600))
                self.assertTrue(token["access_token"].startswith("Atza|"))
                self.assertTrue(token["refresh_token"].startswith("Atzr|"))

    def test_a_wrong_secret(self):
        answer = requests.post(LOGIN, data={**credentials(), "client_secret": "wrong"}, timeout=TIMEOUT)
        self.assertEqual((answer.status_code, answer.json()["error"]), (401, "invalid_client"))


class Onboarding(unittest.TestCase):
    def expect(self, response, status):
        self.assertEqual(response.status_code, status, response.text)
        self.assertIn("X-Amzn-RequestId", response.headers)
        if status >= 400:
            self.assertEqual(sorted(response.json()), ["message", "type"])
        return response

    def create_provider(self, api):
        logical_id = f"clinic-{uuid.uuid4()}"
        body = {
            "serviceProviderLogicalId": logical_id,
            "displayName": [{"locale": "en-US", "value": "Harbour Clinic"}],
        }
        created = self.expect(api.call("POST", "/serviceProviders/", body), 201)
        self.expect(api.call("POST", "/serviceProviders", body), 409)
        provider = "/serviceProviders/" + created.json()["serviceProviderId"]
        shown = self.expect(api.call("GET", provider + "/"), 200).json()
        self.assertEqual(shown["serviceProviderLogicalId"], logical_id)
        return provider

    def map_network(self, api, provider):
        skill = {"skillId": f"amzn1.ask.skill.{uuid.uuid4()}"}
        network = {"networkType": "SKILL", "skillConfiguration": skill}
        self.expect(api.call("POST", provider + "/network", network), 201)
        self.expect(api.call("POST", provider + "/network/", network), 409)
        shown = self.expect(api.call("GET", provider + "/network"), 200).json()
        self.assertEqual((shown["networkType"], shown["skillConfiguration"]), ("SKILL", skill))

    def create_profile(self, api, name):
        entity = {"type": "UNIT", "id": f"amzn1.alexa.unit.did.{uuid.uuid4()}"}
        profile = self.expect(api.call("POST", "/profile/", {"entity": entity, "name": name}), 201).json()
        self.assertEqual(profile["entity"], entity)
        return profile["profileId"]["profileId"]

    def query_all(self, api, users):
        """All associations, three a page, until there is no next one."""
        found, page = [], {"maxResults": 3}
        while True:
            body = {"filters": {}, "paginationContext": page}
            answer = self.expect(api.call("POST", users + "/query", body), 200).json()
            self.assertLessEqual(len(answer["accountAssociations"]), 3)
            found += answer["accountAssociations"]
            token = answer["paginationContext"].get("nextPageToken")
            if not token or token == "0":
                self.assertEqual(answer["paginationContext"]["totalCount"], len(found))
                return found
            page = {"maxResults": 3, "nextToken": token}

    def test_from_the_login_to_the_last_delete(self):
        api = Api()
        provider = self.create_provider(api)
        self.map_network(api, provider)
        users = provider + "/externalUsers"
        rooms = sorted(["7201", "7202", "7203", "7204", "7205", "Ärztin", "front desk@clinic.example"])
        associations = []
        for room in rooms:
            associations.append(association(room, self.create_profile(api, f"Room {room}")))
            created = self.expect(api.call("POST", users + "/", associations[-1]), 201)
            self.assertEqual(created.content, b"")
        self.assertEqual(self.expect(api.call("POST", users, associations[0]), 409).json()["type"], "CONFLICT")
        # Python sorts by code points, which is the order of UTF-8 bytes.
        self.assertEqual(self.query_all(api, users), associations)

        changed = association("7201", associations[-1]["amazonId"])
        self.expect(api.call("PUT", users + "/", changed), 200)
        body = {"filters": {"externalUserIds": ["7201", "nobody"]}}
        found = self.expect(api.call("POST", users + "/query/", body), 200).json()
        self.assertEqual(found["accountAssociations"], [changed])

        for room in rooms:
            self.expect(api.call("DELETE", users, {"externalUserId": room}), 200)
        self.expect(api.call("DELETE", users, {"externalUserId": "7201"}), 404)
        self.assertEqual(self.query_all(api, users), [])
        self.expect(api.call("DELETE", provider + "/network"), 200)
        self.expect(api.call("DELETE", provider + "/"), 200)
        self.expect(api.call("GET", provider), 404)

    def test_errors_have_the_form_that_clients_expect(self):
        api = Api()
        path = f"/serviceProviders/amzn1.comms.csp.id.{uuid.uuid4()}/externalUsers"
        self.expect(api.call("POST", path, {}), 404)
        api.session.headers["Authorization"] = "Bearer nonsense"
        refused = self.expect(api.call("POST", path, {}), 401)
        self.assertTrue(refused.headers["WWW-Authenticate"].startswith("Bearer"))


if __name__ == "__main__":
    unittest.main()
