"""The shapes of requests that published clients of this API family send, in Python with requests: empty headers,
parameters in the query string, numbers where ids are expected, bodies that are not there.

As in test_onboarding.py nothing here knows which server answers.
"""

import os
import unittest
import uuid

import requests

LOGIN = "https://api.amazon.com/auth/o2/token"
API = "https://api.amazonalexa.com/v1/communications"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TIMEOUT = 30


def refresh():
    return {
        "grant_type": "refresh_token",
        "refresh_token": os.environ["LWA_REFRESH_TOKEN"],
        "client_id": os.environ["LWA_CLIENT_ID"],
        "client_secret": os.environ["LWA_CLIENT_SECRET"],
    }


class Login(unittest.TestCase):
    def expect_token(self, answer):
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertTrue(answer.json()["access_token"].startswith("Atza|"))
        return answer.json()["access_token"]

    def test_empty_headers(self):
        headers = {**FORM, "Authorization": "", "Asp-Cli": "", "Accept": "application/x-www-form-urlencoded"}
        form = {**refresh(), "scope[0]": "alexa::enterprise:management", "scope[1]": "profile"}
        self.expect_token(requests.post(LOGIN, data=form, headers=headers, timeout=TIMEOUT))

    def test_parameters_in_the_query_string(self):
        for body in [None, b"", "{}"]:
            with self.subTest(body):
                answer = requests.post(LOGIN, params=refresh(), data=body, headers=FORM, timeout=TIMEOUT)
                self.expect_token(answer)
        wrong = {**refresh(), "client_secret": "wrong-secret"}
        twice = requests.post(LOGIN, params=wrong, data=refresh(), timeout=TIMEOUT)
        self.assertEqual((twice.status_code, twice.json()["error"]), (400, "invalid_request"))
        self.assertIn("client_secret", twice.json()["error_description"])

    def test_json_is_told_what_is_expected(self):
        answer = requests.post(LOGIN, json=refresh(), timeout=TIMEOUT)
        self.assertEqual((answer.status_code, answer.json()["error"]), (400, "invalid_request"))
        self.assertIn("the body is JSON", answer.json()["error_description"])


class Operations(unittest.TestCase):
    def setUp(self):
        answer = requests.post(LOGIN, data=refresh(), timeout=TIMEOUT)
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]

    def expect(self, status, method, path, body=None, **more):
        answer = self.session.request(method, API + path, json=body, timeout=TIMEOUT, **more)
        self.assertEqual(answer.status_code, status, answer.text)
        return answer

    def test_numbers_and_what_is_left_out(self):
        body = {"serviceProviderLogicalId": str(uuid.uuid4())}
        provider = "/serviceProviders/" + self.expect(201, "POST", "/serviceProviders", body).json()["serviceProviderId"]
        self.expect(200, "PUT", provider, headers={"Content-Type": "application/json"})
        entity = {"type": "UNIT", "id": f"amzn1.alexa.unit.did.{uuid.uuid4()}"}
        batch = self.expect(200, "POST", "/profiles/batch", {"items": [{"itemId": 1, "entity": entity}]}).json()
        self.assertEqual(batch["items"][0]["itemId"], 1)
        profile = batch["items"][0]["result"]["profileId"]["profileId"]
        users = provider + "/externalUsers"
        association = {"externalUserId": 7201, "amazonId": profile, "amazonIdType": "communication-profile"}
        self.expect(201, "POST", users, association)
        self.expect(409, "POST", users, {**association, "externalUserId": "7201"})
        self.expect(200, "PUT", users, association)
        page = self.expect(200, "POST", users + "/query", {"filters": {"externalUserIds": [7201]}}).json()
        self.assertEqual(page["accountAssociations"], [{**association, "externalUserId": "7201"}])
        # Python writes what is no whole number as such.
        refused = self.expect(400, "POST", users, {**association, "externalUserId": 7201.0}).json()
        self.assertIn("in quotes", refused["message"])
        self.expect(200, "DELETE", users, {"externalUserId": 7201})
        self.expect(200, "DELETE", provider)


if __name__ == "__main__":
    unittest.main()
