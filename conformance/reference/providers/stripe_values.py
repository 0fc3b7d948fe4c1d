"""The lists of values that Stripe publishes: method types, banks, currencies, minimum amounts (minor units)."""

from __future__ import annotations

from collections.abc import Mapping


def words(text: str) -> tuple[str, ...]:
    """The words of a text, for lists too long to be read with quotes."""
    return tuple(text.split())


METHOD_TYPES = words(
    """
    acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie blik
    boleto cashapp crypto customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link
    mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal pix promptpay
    revolut_pay samsung_pay satispay sepa_debit sofort swish twint us_bank_account wechat_pay zip
    """
)
OPTION_TYPES = (*METHOD_TYPES, "card", "card_present", "interac_present")
EXCLUDABLE_TYPES = (*(name for name in METHOD_TYPES if name != "link"), "card")

BANKS: Mapping[str, tuple[str, ...]] = {
    "eps": words(
        """
        arzte_und_apotheker_bank austrian_anadi_bank_ag bank_austria bankhaus_carl_spangler
        bankhaus_schelhammer_und_schattera_ag bawag_psk_ag bks_bank_ag brull_kallmus_bank_ag
        btv_vier_lander_bank capital_bank_grawe_gruppe_ag deutsche_bank_ag dolomitenbank easybank_ag
        erste_bank_und_sparkassen hypo_alpeadriabank_international_ag hypo_bank_burgenland_aktiengesellschaft
        hypo_noe_lb_fur_niederosterreich_u_wien hypo_oberosterreich_salzburg_steiermark hypo_tirol_bank_ag
        hypo_vorarlberg_bank_ag marchfelder_bank oberbank_ag raiffeisen_bankengruppe_osterreich schoellerbank_ag
        sparda_bank_wien volksbank_gruppe volkskreditbank_ag vr_bank_braunau
        """
    ),
    "fpx": words(
        """
        affin_bank agrobank alliance_bank ambank bank_islam bank_muamalat bank_of_china bank_rakyat bsn cimb
        deutsche_bank hong_leong_bank hsbc kfh maybank2e maybank2u ocbc pb_enterprise public_bank rhb
        standard_chartered uob
        """
    ),
    "ideal": words(
        """
        abn_amro asn_bank bunq buut handelsbanken ing knab moneyou n26 nn rabobank regiobank revolut sns_bank
        triodos_bank van_lanschot yoursafe
        """
    ),
    "p24": words(
        """
        alior_bank bank_millennium bank_nowy_bfg_sa bank_pekao_sa banki_spbdzielcze blik bnp_paribas boz
        citi_handlowy credit_agricole envelobank etransfer_pocztowy24 getin_bank ideabank ing inteligo
        mbank_mtransfer nest_przelew noble_pay pbac_z_ipko plus_bank santander_przelew24 tmobile_usbugi_bankowe
        toyota_bank velobank volkswagen_bank
        """
    ),
}

REQUIRED_CHILDREN: Mapping[str, tuple[str, ...]] = {
    "acss_debit": ("institution_number", "transit_number", "account_number"),
    "au_becs_debit": ("account_number", "bsb_number"),
    "boleto": ("tax_id",),
    "fpx": ("bank",),
    "nz_bank_account": ("bank_code", "branch_code", "account_number", "suffix"),
    "sepa_debit": ("iban",),
    "sofort": ("country",),
}
"""What a payment method of that type cannot be without."""

EXPANDABLE = frozenset(
    {
        "application",
        "customer",
        "last_payment_error",
        "latest_charge",
        "on_behalf_of",
        "payment_method",
        "review",
        "source",
        "transfer_data",
    }
)

MINIMUM_AMOUNTS: Mapping[str, int] = {
    **dict.fromkeys(words("usd eur aud cad chf nzd sgd brl inr php zar idr ils ars cop rub jpy krw"), 50),
    "gbp": 30,
    "aed": 200,
    "czk": 1500,
    "dkk": 250,
    "hkd": 400,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}

CURRENCIES = frozenset(
    words(
        """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
        cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk
        jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr
        mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos
        srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
        """
    )
)
