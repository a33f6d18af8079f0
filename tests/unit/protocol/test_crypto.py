"""Ed25519 against RFC 8032's vectors, and what the fast double promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.crypto import MEMO_LIMIT, SCHEMES, Ed25519Scheme, FastScheme, Scheme

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
            "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
            "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ec"
            "fdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_rfc_8032_vectors(secret: str, public: str, message: str, signature: str) -> None:
    scheme = Ed25519Scheme()
    signer = scheme.signer(bytes.fromhex(secret))
    assert signer.public_key.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    verifier = scheme.verifier()
    key, payload, proof = (bytes.fromhex(text) for text in (public, message, signature))
    assert verifier.verify(key, payload, proof)
    for position in (0, 31, 32, 63):  # in R and in S
        broken = bytearray(proof)
        broken[position] ^= 1
        assert not verifier.verify(key, payload, bytes(broken))
    assert not verifier.verify(key, payload + b"\0", proof)


SEEDS = st.binary(min_size=32, max_size=32)


@pytest.fixture(params=sorted(SCHEMES))
def scheme(request: pytest.FixtureRequest) -> Scheme:
    made: Scheme = SCHEMES[request.param]()
    return made


def test_schemes_are_named_as_in_the_table(scheme: Scheme) -> None:
    assert isinstance(scheme, SCHEMES[scheme.name])


@pytest.mark.parametrize("name", sorted(SCHEMES))
@given(one=SEEDS, other=SEEDS, payload=st.binary(max_size=80), changed=st.binary(max_size=80))
def test_only_the_key_that_signed_verifies_and_only_what_it_signed(
    name: str, one: bytes, other: bytes, payload: bytes, changed: bytes
) -> None:
    scheme = SCHEMES[name]()
    mine, theirs = scheme.signer(one), scheme.signer(other)
    verifier = scheme.verifier()
    signature = mine.sign(payload)
    assert mine.sign(payload) == signature
    assert verifier.verify(mine.public_key, payload, signature)
    assert verifier.verify(theirs.public_key, payload, signature) == (one == other)
    assert verifier.verify(mine.public_key, changed, signature) == (changed == payload)
    assert len(mine.public_key) == 32


@pytest.mark.parametrize("name", sorted(SCHEMES))
@given(key=st.binary(max_size=40), payload=st.binary(max_size=9), signature=st.binary(max_size=70))
def test_junk_never_verifies_and_never_raises(
    name: str, key: bytes, payload: bytes, signature: bytes
) -> None:
    scheme = SCHEMES[name]()
    own = scheme.signer(bytes(32))
    verifier = scheme.verifier()
    assert not verifier.verify(key, payload, signature)
    assert verifier.verify(own.public_key, payload, signature) == (signature == own.sign(payload))


def test_a_fast_signature_needs_the_secret_that_the_api_does_not_give() -> None:
    """Neither public key nor signatures let anybody sign: no public attribute holds the secret."""
    scheme = FastScheme()
    victim, attacker = scheme.signer(b"v" * 32), scheme.signer(b"a" * 32)
    public = [name for name in dir(victim) if not name.startswith("_")]
    assert public == ["public_key", "sign"]
    verifier = scheme.verifier()
    guesses = [
        attacker.sign(b"pay"),
        victim.sign(b"other"),
        victim.public_key,
        victim.public_key[:16],
        b"",
        FastScheme().signer(b"w" * 32).sign(b"pay"),
    ]
    assert not any(verifier.verify(victim.public_key, b"pay", guess) for guess in guesses)


def test_another_universe_of_fast_keys_is_unknown() -> None:
    stranger = FastScheme().signer(b"s" * 32)
    assert not FastScheme().verifier().verify(stranger.public_key, b"x", stranger.sign(b"x"))


def test_a_verifier_forgets_instead_of_growing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consensus.crypto.MEMO_LIMIT", 8)
    scheme = FastScheme()
    signer, verifier = scheme.signer(bytes(32)), scheme.verifier()
    for index in range(100):
        payload = bytes([index])
        assert verifier.verify(signer.public_key, payload, signer.sign(payload))
        assert len(verifier._verdicts) <= 8  # type: ignore[attr-defined]
    assert MEMO_LIMIT >= 1 << 10


def test_a_remembered_verdict_is_the_same(scheme: Scheme) -> None:
    signer, verifier = scheme.signer(bytes(32)), scheme.verifier()
    good = signer.sign(b"x")
    for _ in range(2):
        assert verifier.verify(signer.public_key, b"x", good)
        assert not verifier.verify(signer.public_key, b"y", good)
