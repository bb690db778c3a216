#include "base/hash.h"

#include "tests/check.h"

static void check_sha(const void *bytes, size_t size, size_t step, const char *want)
{
    slc_sha256 sha;
    char hex[65];
    slc_sha256_begin(&sha);
    for (size_t at = 0; at < size; at += step)
        slc_sha256_add(&sha, (const char *)bytes + at,
                       size - at < step ? size - at : step);
    slc_sha256_hex(&sha, hex);
    CHECK(strcmp(hex, want) == 0, "%zu bytes in steps of %zu: %s, not %s", size, step,
          hex, want);
}

/* NIST CAVP / FIPS 180-4 examples. */
static void test_sha256_known_answers(void)
{
    check_sha("", 0, 1,
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha("abc", 3, 3,
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (size_t step = 1; step <= 56; step++)
        check_sha(two, 56, step,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    const char *four = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                       "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    for (size_t step = 1; step <= 112; step++)
        check_sha(four, 112, step,
                  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");

    char *a = malloc(1000000);
    CHECK(a, "memory");
    memset(a, 'a', 1000000);
    check_sha(a, 1000000, 999,
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(a);
}

/* The sanity checks of xxHash, with its own test buffer. */
static void test_hash64_known_answers(void)
{
    uint8_t bytes[222];
    uint64_t gen = 2654435761u;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(gen >> 56);
        gen *= 11400714785074694797u;
    }
    static const struct {
        size_t size;
        uint64_t seed, want;
    } known[] = {
        {0, 0, 0xef46db3751d8e999u},
        {0, 2654435761u, 0xac75fda2929b17efu},
        {1, 0, 0xe934a84adb052768u},
        {1, 2654435761u, 0x5014607643a9b4c3u},
        {4, 0, 0x9136a0dca57457eeu},
        {14, 0, 0x8282dcc4994e35c8u},
        {14, 2654435761u, 0xc3bd6bf63deb6df0u},
        {222, 0, 0xb641ae8cb691c174u},
        {222, 2654435761u, 0x20cb8ab7ae10c14au},
    };
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        const uint64_t got = slc_hash64(bytes, known[i].size, known[i].seed);
        CHECK(got == known[i].want, "%zu bytes: %016llx", known[i].size,
              (unsigned long long)got);
    }
}

int main(void)
{
    test_sha256_known_answers();
    test_hash64_known_answers();
    return 0;
}
