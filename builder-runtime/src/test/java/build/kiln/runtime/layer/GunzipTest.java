package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both ways to inflate gzip, on the same streams. */
class GunzipTest {
  /** How it is inflated. */
  enum Way {
    ISA_L,
    ZLIB;

    InputStream open(InputStream in) throws IOException {
      return this == ISA_L ? new FastInflate(in) : Decompression.gunzip(in);
    }
  }

  @BeforeEach
  void onlyWithGlibcOnX86() {
    Tools.assumeGlibcOnX86();
  }

  @Test
  void isAvailable() {
    assertThat(FastInflate.isAvailable()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 6, 8192",
    "1, 6, 1",
    "1000, 0, 1",
    "70000, 1, 1",
    "131072, 9, 7",
    "262144, 0, 131072",
    "3000000, 1, 5000",
    "3000000, 6, 131072",
    "3000000, 9, 100000"
  })
  void giveTheBytesThatWereDeflated(int size, int level, int stretch) throws Exception {
    byte[] data = content(size);
    byte[] packed = gzip(data, level);
    for (Way way : Way.values()) {
      assertThat(inflate(way, packed, stretch)).as("%s", way).isEqualTo(data);
    }
  }

  /** As files of many members, of empty ones, and of ones that end where a buffer does. */
  @ParameterizedTest
  @CsvSource({
    "1, 131072",
    "2, 1",
    "3, 17",
    "4, 131072",
    "5, 131071",
    "6, 65536",
    "7, 4096",
    "8, 131072"
  })
  void membersAreOneStreamWhereverTheInputIsCut(long seed, int stretch) throws Exception {
    var random = new Random(seed);
    var packed = new ByteArrayOutputStream();
    var plain = new ByteArrayOutputStream();
    for (int i = 0; i < 40; i++) {
      byte[] data = content(random.nextInt(4) == 0 ? 0 : random.nextInt(i == 7 ? 400_000 : 20_000));
      plain.write(data);
      packed.write(gzip(data, random.nextInt(10)));
    }
    for (Way way : Way.values()) {
      assertThat(inflate(way, packed.toByteArray(), stretch))
          .as("%s", way)
          .isEqualTo(plain.toByteArray());
    }
  }

  /** Extra field, name, comment and the header's own checksum (RFC 1952, 2.3). */
  @ParameterizedTest
  @EnumSource
  void headersMayHaveAllThatTheyMay(Way way) throws Exception {
    byte[] data = content(5000);
    byte[] plain = gzip(data, 6);
    var header = new ByteArrayOutputStream();
    header.write(new byte[] {0x1f, (byte) 0x8b, 8, 0x1e, 1, 2, 3, 4, 0, 3});
    header.write(
        new byte[] {6, 0, 'A', 'B', 2, 0, 7, 8, 'n', 'a', 'm', 'e', 0, 'n', 'o', 't', 'e', 0});
    var crc = new CRC32();
    crc.update(header.toByteArray());
    header.write((int) crc.getValue() & 0xff);
    header.write((int) (crc.getValue() >> 8) & 0xff);
    byte[] packed = HostileTarTest.concat(header.toByteArray(), tail(plain, 10));
    for (int stretch : new int[] {100_000, 3, 1}) {
      assertThat(inflate(way, packed, stretch)).as("%s at once", stretch).isEqualTo(data);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whereverItIsCutItIsAnError(Way way) throws Exception {
    byte[] packed = gzip(content(3000), 6);
    for (int length = 1; length < packed.length; length++) {
      byte[] cut = Arrays.copyOf(packed, length);
      assertThatThrownBy(() -> inflate(way, cut, 512))
          .as("%s bytes", length)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aCutIsToldFromDamage() throws Exception {
    byte[] packed = gzip(content(300_000), 6);
    for (int length : new int[] {12, 1000, packed.length - 8, packed.length - 1}) {
      assertThatThrownBy(() -> inflate(Way.ISA_L, Arrays.copyOf(packed, length), 4096))
          .isInstanceOf(EOFException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aChangedBitIsAnErrorOrOfNoConsequence(Way way) throws Exception {
    byte[] data = content(3000);
    byte[] packed = gzip(data, 6);
    for (int at = 0; at < packed.length; at++) {
      for (int bit = 0; bit < 8; bit += 3) {
        byte[] bad = packed.clone();
        bad[at] ^= (byte) (1 << bit);
        byte[] found;
        try {
          found = inflate(way, bad, 100_000);
        } catch (IOException damaged) {
          continue;
        }
        // Time, system and flags of the header say nothing of the content, nor do bits that pad.
        assertThat(found).as("byte %s, bit %s", at, bit).isEqualTo(data);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatFollowsAMemberAndIsNoneIsAnError(Way way) throws Exception {
    byte[] packed = HostileTarTest.concat(gzip(content(100), 6), new byte[] {1, 2, 3, 4, 5, 6});
    assertThatThrownBy(() -> inflate(way, packed, 4096)).isInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @EnumSource
  void zerosAfterAMemberAreNoneEither(Way way) throws Exception {
    byte[] packed = HostileTarTest.concat(gzip(content(100), 6), new byte[512]);
    assertThatThrownBy(() -> inflate(way, packed, 4096)).isInstanceOf(IOException.class);
  }

  @Test
  void aHeaderWhoseChecksumIsWrongIsAnError() throws Exception {
    byte[] packed = gzip(content(100), 6);
    byte[] withSum = HostileTarTest.concat(Arrays.copyOf(packed, 10), new byte[] {1, 2});
    withSum[3] = 2;
    byte[] bad = HostileTarTest.concat(withSum, tail(packed, 10));
    assertThatThrownBy(() -> inflate(Way.ISA_L, bad, 4096)).hasMessageContaining("header");
  }

  @Test
  void anErrorStaysOne() throws Exception {
    byte[] bad = gzip(content(1000), 6);
    bad[bad.length - 8] ^= 1;
    try (var in = new FastInflate(new ByteArrayInputStream(HostileTarTest.concat(bad, bad)))) {
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(in::readAllBytes).hasMessageContaining("checksum");
      }
    }
  }

  /** Noise in headers, tables and data: both ways give the same bytes or none, and end. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  @Timeout(60)
  void damageIsDamageToBoth(long seed) throws Exception {
    var random = new Random(seed);
    for (int i = 0; i < 250; i++) {
      byte[] bad = gzip(content(random.nextInt(60_000)), random.nextInt(10));
      int hits = 1 + random.nextInt(4);
      for (int hit = 0; hit < hits; hit++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      assertThat(outcome(Way.ISA_L, bad)).isEqualTo(outcome(Way.ZLIB, bad));
    }
  }

  private static String outcome(Way way, byte[] packed) {
    try {
      var crc = new CRC32();
      byte[] bytes = inflate(way, packed, 7000);
      crc.update(bytes);
      return bytes.length + " bytes, " + crc.getValue();
    } catch (IOException e) {
      return "damaged";
    }
  }

  @Test
  void closedOnceItGivesNothingMore() throws Exception {
    var in = new FastInflate(new ByteArrayInputStream(gzip(content(300_000), 6)));
    assertThat(in.read()).isNotNegative();
    in.close();
    in.close();
    assertThatThrownBy(in::read).isInstanceOf(IOException.class);
  }

  private static byte[] inflate(Way way, byte[] packed, int stretch) throws IOException {
    var slow =
        new FilterInputStream(new ByteArrayInputStream(packed)) {
          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            return super.read(target, offset, Math.min(length, stretch));
          }
        };
    try (InputStream in = way.open(slow)) {
      return in.readAllBytes();
    }
  }

  private static byte[] gzip(byte[] data, int level) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out =
        new GZIPOutputStream(bytes) {
          {
            def.setLevel(level);
            def.setStrategy(level == 9 ? Deflater.HUFFMAN_ONLY : Deflater.DEFAULT_STRATEGY);
          }
        }) {
      out.write(data);
    }
    return bytes.toByteArray();
  }

  /** Some of it noise, some repeated near, some repeated far. */
  private static byte[] content(int size) {
    var random = new Random(size);
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    for (int at = 0; at + 400 < size; at += 500) {
      int from = Math.max(0, at - random.nextInt(32_000));
      System.arraycopy(bytes, from, bytes, at, Math.min(400, at - from));
    }
    return bytes;
  }

  private static byte[] tail(byte[] bytes, int from) {
    return Arrays.copyOfRange(bytes, from, bytes.length);
  }
}
