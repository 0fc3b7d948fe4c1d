"""What the providers leave open and a server has to settle. These answers are ours: no check may demand them."""

from __future__ import annotations

# All providers

CONFIRMATION_LIMIT = 10
"""Stripe and Paypercut cancel an intent after too many failed confirms and name no number; a test soon reaches ten."""

SETTLEMENT_DELAY = 0.5
"""Seconds a bank debit stays in processing. Days in reality; long enough to be seen, short enough to be waited for."""

KEY_RETENTION = 24 * 60 * 60
"""Seconds an idempotency key is kept. Stripe and RevKeen speak of a day; Paypercut is silent and gets the same."""

KEY_PATIENCE = 20.0
"""Seconds that a second use of a key waits for the first to end, where it waits; after that it is refused as well."""

LONGEST_KEY = 255
"""Characters of an idempotency key. All name 255 as the most; a longer or an empty one gets a 400 here."""

# Lists are newest first, seconds of creation notwithstanding: no provider states an order.
# An id to go on from that is nobody's is refused; with one for each direction the page starts behind the first.
# An update forgets the last error even if it changes nothing; a new payment method drops a pending action.
# An intent that waits for its payer cannot be confirmed again: no provider says that it can.
# A failed attempt detaches its payment method, so that the next one names another; nobody states what becomes of it.
# Bodies are compared as decoded parameters: whether bytes or values count is nowhere said.
# One operation at a time reads and changes intents. A key is in use from when it is looked up until its answer is kept:
# Stripe and RevKeen refuse a second use, which both document and only Stripe demands; at Paypercut and Dots, which are
# silent, it waits and gets the answer of the first. With another request it is the conflict that it would be later.
# A replayed answer has the same body and status; headers that describe the exchange are new.
# A pending action is a page of this server: the real pages need a browser, and no call that completes them is
# published. Visiting it answers 200 with a link back, not a redirect, so that a client cannot wander off.

# Stripe

STRIPE_VERSION = "2025-08-27.basil"
"""The version in force when a request names none. Any other that is sent is echoed and answered alike."""

STRIPE_CAPTURE_METHOD = "automatic_async"
"""The changelog's default since 2024-04-10; the reference's own samples still show ``automatic``."""

STRIPE_MOST_DIGITS = 12
"""Digits of the largest amount. The field's text allows eight, the page on currencies twelve: the wider is taken."""

# Well-known ids such as pm_card_visa are aliases: each use makes a payment method with an id of its own.
# With a return_url an action is redirect_to_url, without one, or with use_stripe_sdk, it is use_stripe_sdk.
# A publishable key where a secret one is needed gets 403 (401 is seen as well); a wrong client_secret gets 400.
# A restricted key has one right, to read PaymentIntents: which rights its keys have is for each account to say.
# A secret key is enough by itself: a client_secret sent along with it is not compared.
# Addresses and URLs are stored as sent: their codes exist, what they accept does not stand anywhere.
# Payment method types are not compared with the method's own type, and combine with automatic_payment_methods, which
# then wins: the refusals known from practice stand on no page.
# Mandates, connected accounts and configurations are echoed unread. There are no confirmation tokens: each is unknown.
# Bank debits skip their verification unless payment_method_options ask for microdeposits; other methods made of data
# send their payer away to authenticate.
# A processing intent can be canceled: allowed in rare cases, and this server has no others.
# Amount, currency and all that decides about the payment can be changed until it is made, never later; description,
# metadata, receipt_email and shipping in every status, canceled ones included.
# An update or a capture that gives the amount of a transfer which has no destination is taken without effect.
# A capture of a succeeded intent is an unexpected state like any other: charge_already_captured is as defensible.
# Features of cards that depend on the network (multicapture, incremental authorization) are had by whoever asks for
# them with if_available; overcapture is never had. An increment that is not to be had is a 400 without a code.
# A list whose limit is out of bounds, or whose customer nobody knows: the first is refused, the second empty.
# A search knows amount, created, currency, customer, status and metadata, joined by AND, and finds an intent at once.
# No customer has a balance: to apply it is granted where it may be, and changes nothing.
# A wrong guess of microdeposits changes nothing, not even one that stands for too many; the right one lets the payment
# go on, as the payer's page does. Whoever has the client secret may verify with a publishable key.

# RevKeen

REVKEEN_AUTHORISED = "processing"
"""The status of an authorised, uncaptured intent: the enum has no requires_capture, the amounts tell it apart."""

REVKEEN_VERSION = "2026-05-01"
"""The version pinned to the server's key."""

# A decline is a 400 of type invalid_request_error with code card_declined, and last_payment_error is set; a 200 is as
# legal.
# A refused state is 400, the status listed on each operation; 409 and 422 are as defensible.
# A payer without return_url comes back to a page of this server, because redirect_to_url demands one.
# An unknown customer or payment method is 400. Currency is any three characters, returned as sent.
# A capture takes place once: what it leaves is given back, and the intent has succeeded. More than is held is a 400.
# Update is served, as every page lists it: until an intent is confirmed, all members of its schema, metadata merged. An
# intent that waits for its payer has been confirmed.
# A list for an unknown customer is empty. Query parameters that are not documented are ignored, because the text of
# the list's page speaks of some that its schema lacks.

# Paypercut

PAYPERCUT_LEAST, PAYPERCUT_MOST = 50, 99_999_999
"""Minor units. The prose speaks of 0.50 USD or its equivalent; the same number holds for each currency here."""

PAYPERCUT_ACCOUNT = "acct_reference"
"""The one connected account that the server's key may act for."""

# Create and all others answer 200. A decline is 422 with a card_error: 402 is not in the published list of statuses.
# Refused states and changed idempotent requests are 409. A key belongs to the account, whatever the path.
# Members that are not documented are ignored, and so are unknown values of expand.
# A payment's latest_status repeats its status: its values are not published.
# Capture stands where its name suggests: the path is not published. A part captured without final_capture leaves the
# rest capturable and the status as it was; the last part, or a final one, ends in succeeded. More than is left is 400.
# Every payment method is reusable; a card described by data is charged successfully.
# An action is redirect_to_url without return_url, which no request can give; request_three_d_secure = challenge makes
# it three_d_secure instead. Both are completed at the same page.

# Dots

# A new intent is requires_payment_method or requires_confirmation; the samples' initialized has no meaning given.
# A decline is 402 with the status failed, which is final. A confirm of any but an unconfirmed intent is 400.
# Only one error body is documented: all others have the same member, an error word, and a message. A fee above the
# amount is refused.
# The list holds every intent of the server, however many.
# A pending action cannot be completed: the object has no member that would say where.
# Users and payment customers are any UUID; unknown members are ignored.
# A create honours idempotency_key in its body, though only other operations declare it: the page on idempotency speaks
# of requests in general. A repeated key gets the first answer, whatever else is sent; one that is no UUID is refused.
# An organisation's key without a known Api-App-Id is 403.
# Boolean metadata is taken and shows nothing, an object is returned. Unset members are left out.
