package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.layer.LayerException.Code;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that no honest program writes end in an error that names the place. */
class HostileTarTest {
  private static final int END = 1024;

  @ParameterizedTest
  @CsvSource({
    "../evil, UNSAFE_PATH",
    "a/../../evil, UNSAFE_PATH",
    "/../evil, UNSAFE_PATH",
    "a/.., UNSAFE_PATH",
    "., UNSAFE_PATH",
    "'', UNSAFE_PATH",
    "a/.wh.., UNSAFE_PATH",
    "a/.wh..., UNSAFE_PATH",
    ".wh., UNSAFE_PATH",
    "a/.wh.b/c, MALFORMED",
  })
  void unsafeNames(String name, Code code) {
    assertFails(code, raw('0', name, "", 0));
  }

  @ParameterizedTest
  @CsvSource({"../evil, UNSAFE_PATH", "/../../etc/passwd, UNSAFE_PATH", "'', UNSAFE_PATH"})
  void unsafeHardLinkTargets(String target, Code code) {
    assertFails(code, raw('1', "x", target, 0));
  }

  @ParameterizedTest
  @CsvSource({
    "./a, a",
    "/a, a",
    "//a//b/./c, a/b/c",
    "a/b/, a/b",
    "..., ...",
    "..a/b.., ..a/b..",
    ".a, .a",
  })
  void namesAreNormalised(String name, String path) throws IOException {
    assertThat(Tars.describe(raw('5', name, "", 0)).getFirst())
        .startsWith("DIRECTORY \"" + path + "\" ");
  }

  @ParameterizedTest
  @CsvSource({
    ".wh..wh.plnk/12, ''",
    ".wh..wh.aufs, ''",
    "a/.wh..wh.orph/x/y, ''",
    "a/.wh..wh..opq, opaque a",
    ".wh..wh..opq, 'opaque '",
    "a/.wh.b, whiteout a/b",
    "a/.wh..b, whiteout a/.b",
    "./a/.wh...., whiteout a/...",
  })
  void whiteoutNames(String name, String event) throws IOException {
    assertThat(String.join("|", Tars.describe(raw('0', name, "", 0)))).isEqualTo(event);
  }

  static Stream<Arguments> damage() {
    return Stream.of(
        damage("checksum", Code.BAD_CHECKSUM, b -> b[0] ^= 1, false),
        damage("no checksum", Code.BAD_CHECKSUM, b -> b[150] = 'x', false),
        damage("octal 9", Code.MALFORMED, b -> b[130] = '9', true),
        damage("space inside a number", Code.MALFORMED, b -> b[130] = ' ', true),
        damage("negative size", Code.MALFORMED, b -> fill(b, 124, 12, 0xff), true),
        damage("size near the end of a long", Code.LIMIT_EXCEEDED, b -> big(b, 0x7f), true),
        damage("size of many petabytes", Code.TRUNCATED, b -> big(b, 0x00), true),
        damage("size beyond 64 bits", Code.LIMIT_EXCEEDED, b -> fill(b, 124, 12, 0xbf), true),
        damage("negative uid", Code.MALFORMED, b -> fill(b, 108, 8, 0xff), true),
        damage("uid of nobody", Code.MALFORMED, b -> binary(b, 108, 0xffffffffL), true),
        damage("unknown type", Code.UNSUPPORTED, b -> b[156] = 'Q', true),
        damage("volume continuation", Code.UNSUPPORTED, b -> b[156] = 'M', true));
  }

  private static Arguments damage(
      String name, Code code, Consumer<byte[]> change, boolean goodSum) {
    return Arguments.of(name, code, change, goodSum);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damage")
  void damagedHeaders(String name, Code code, Consumer<byte[]> change, boolean goodSum) {
    byte[] tar = raw('0', "name", "", 10);
    change.accept(tar);
    if (goodSum) {
      checksum(tar);
    }
    assertFails(code, tar);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "path=x\n", // no length
        "x path=y\n",
        "0 path=x\n",
        "5 path=x\n",
        "500 path=x\n",
        "999999999 path=x\n",
        "9 path=xx", // no newline
        "7 path\n", // no value
        "6 =x\n\n",
        "21 mtime=yesterday...\n",
        "17 mtime=1.2.345\n",
        "12 uid=-12\n",
        "11 size=x1\n",
      })
  void malformedPaxRecords(String records) {
    assertFails(Code.MALFORMED, pax(records, "f"));
  }

  @ParameterizedTest
  @CsvSource({
    "path=../x, UNSAFE_PATH",
    "size=99999999999999999999, LIMIT_EXCEEDED",
    "size=9223372036854775807, LIMIT_EXCEEDED",
    "size=1000000000000, TRUNCATED",
    "uid=4294967295, MALFORMED",
    "GNU.sparse.major=2, UNSUPPORTED",
    "'GNU.sparse.map=0,1,2', MALFORMED",
    "'GNU.sparse.map=0,1,0,1', MALFORMED",
    "'GNU.sparse.map=5,-1', MALFORMED",
    "'GNU.sparse.map=0,9999999999999999999', LIMIT_EXCEEDED",
    "'GNU.sparse.map=9223372036854775807,9', MALFORMED",
    "GNU.sparse.size=99999999999999999, LIMIT_EXCEEDED",
  })
  void paxValues(String record, Code code) {
    assertFails(code, pax(record(record), "f"));
  }

  @Test
  void namesLongerThanLinuxTakes() throws IOException {
    String longest = "a/".repeat(2047) + "bc";
    assertThat(Tars.describe(pax(record("path=" + longest), "f"))).hasSize(1);
    assertFails(Code.LIMIT_EXCEEDED, pax(record("path=" + longest + "d"), "f"));
  }

  @Test
  void nulInAPaxName() {
    assertFails(Code.UNSAFE_PATH, pax(record("path=a\0b"), "f"));
  }

  @Test
  void endlessSparseMapInTheContent() {
    byte[] head =
        pax(record("GNU.sparse.major=1") + record("GNU.sparse.minor=0") + record("size=512"), "f");
    byte[] map = new byte[512];
    Arrays.fill(map, (byte) '1');
    byte[] tar = concat(Arrays.copyOf(head, head.length - END), map, new byte[END]);
    assertFails(Code.TRUNCATED, tar);
  }

  @Test
  void hugeHeaderForOneEntry() {
    byte[] tar = raw('L', "long", "", 10);
    big(tar, 0);
    checksum(tar);
    assertFails(Code.LIMIT_EXCEEDED, tar);
  }

  @Test
  void longNameWithoutEntry() {
    assertFails(Code.TRUNCATED, concat(raw('L', "x", "", 0)));
  }

  @Test
  void singleZeroBlockInside() {
    byte[] one = raw('0', "a", "", 0);
    assertFails(
        Code.MALFORMED, concat(Arrays.copyOf(one, 512), new byte[512], Arrays.copyOf(one, 512)));
  }

  @Test
  void everyTruncationIsAnErrorOrTheEndOfWholeEntries() {
    byte[] tar =
        Tars.write(
            sink -> {
              sink.add(EntryMeta.directory("d", 0755, 0, 0, 0));
              sink.add(
                  EntryMeta.file("d/" + "x".repeat(200), 0644, 0, 0, 0, 700),
                  new ByteArrayInputStream(new byte[700]));
              sink.add(EntryMeta.symlink("s", "t", 0, 0, 0));
            });
    for (int length = 0; length < tar.length; length++) {
      byte[] cut = Arrays.copyOf(tar, length);
      try {
        assertThat(Tars.describe(cut)).hasSizeLessThanOrEqualTo(3);
        assertThat(length % 512).as("cut at %s", length).isZero();
      } catch (IOException e) {
        assertThat(e)
            .as("cut at %s", length)
            .isInstanceOfSatisfying(
                LayerException.class, l -> assertThat(l.code()).isEqualTo(Code.TRUNCATED));
      }
    }
  }

  @Test
  void randomDamageNeverHangsNorFailsInAnotherWay() {
    byte[] good =
        Tars.write(
            sink -> {
              sink.add(EntryMeta.file("y/".repeat(200) + "f", 0, 0, 0, 0, 0).withMtime(1, 2));
              sink.add(
                  EntryMeta.file("f", 0644, 0, 0, 0, 700), new ByteArrayInputStream(new byte[700]));
            });
    var random = new Random(42);
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          for (int i = 0; i < 5000; i++) {
            byte[] bad = good.clone();
            for (int n = random.nextInt(1, 4); n > 0; n--) {
              bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            }
            for (int at = 0; at + 512 <= bad.length; at += 512) {
              if (bad[at + 257] == 'u') {
                checksum(bad, at);
              }
            }
            try {
              Tars.describe(bad);
            } catch (LayerException expected) {
              assertThat(expected.getMessage()).contains("test at byte ");
            }
          }
        });
  }

  @Test
  void twoZeroBlocksEndItAndTrailingBytesAreLeft() throws IOException {
    byte[] one = raw('5', "a", "", 0);
    assertThat(Tars.describe(concat(one, new byte[] {1, 2, 3}))).hasSize(1);
  }

  private static void assertFails(Code code, byte[] tar) {
    assertThatThrownBy(() -> Tars.describe(tar))
        .isInstanceOfSatisfying(
            LayerException.class,
            e -> {
              assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
              assertThat(e.getMessage()).contains("test at byte ");
            });
  }

  /** A header as the test wants it, with zeros after it that end the tar. */
  static byte[] raw(char type, String name, String link, int size) {
    byte[] tar = new byte[512 + END];
    put(tar, 0, name);
    put(tar, 100, "0000644\0" + "0000000\0" + "0000000\0");
    put(tar, 124, String.format("%011o", size));
    put(tar, 136, "00000000000");
    tar[156] = (byte) type;
    put(tar, 157, link);
    put(tar, 257, "ustar\00000");
    checksum(tar);
    return tar;
  }

  static byte[] pax(String records, String name) {
    byte[] data = records.getBytes(StandardCharsets.UTF_8);
    byte[] head = Arrays.copyOf(raw('x', "pax", "", data.length), 512);
    byte[] padded = Arrays.copyOf(data, data.length + (-data.length & 511));
    return concat(head, padded, raw('0', name, "", 0));
  }

  static String record(String text) {
    int rest = text.getBytes(StandardCharsets.UTF_8).length + 2;
    int length = rest + 1;
    while (rest + Integer.toString(length).length() != length) {
      length++;
    }
    return length + " " + text + "\n";
  }

  static byte[] concat(byte[]... parts) {
    var out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  static void checksum(byte[] tar) {
    checksum(tar, 0);
  }

  private static void checksum(byte[] tar, int at) {
    fill(tar, at + 148, 8, ' ');
    int sum = 0;
    for (int i = at; i < at + 512; i++) {
      sum += tar[i] & 0xff;
    }
    put(tar, at + 148, String.format("%06o\0 ", sum));
  }

  static void put(byte[] tar, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, tar, at, bytes.length);
  }

  private static void fill(byte[] tar, int at, int count, int value) {
    Arrays.fill(tar, at, at + count, (byte) value);
  }

  private static void big(byte[] tar, int first) {
    fill(tar, 124, 12, 0);
    tar[124] = (byte) 0x80;
    fill(tar, 129, 7, 0xff);
    tar[128] = (byte) first;
    tar[129] = first == 0 ? 0 : (byte) 0xff;
  }

  private static void binary(byte[] tar, int at, long value) {
    tar[at] = (byte) 0x80;
    for (int i = 7; i > 0; i--) {
      tar[at + i] = (byte) (value >> (8 * (7 - i)));
    }
  }
}
