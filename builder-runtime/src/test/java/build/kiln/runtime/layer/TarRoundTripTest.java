package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.posix.Names;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written is what is read. */
class TarRoundTripTest {
  static final String BYTES_NAME = Names.decode(new byte[] {'n', (byte) 0xff, (byte) 0xc3, 'x'});

  static Stream<Arguments> entries() {
    var xattrs = new TreeMap<String, byte[]>();
    xattrs.put("security.capability", new byte[] {1, 0, 0, 2, 0, '\n', '=', 0, 0});
    xattrs.put("user.empty", new byte[0]);
    xattrs.put("user.\u00e4", "x".getBytes(StandardCharsets.UTF_8));
    return Stream.of(
            EntryMeta.file("a", 0644, 0, 0, 0, 3),
            EntryMeta.file("setuid", 07755, 1, 2, 1_700_000_000, 0),
            EntryMeta.file("x".repeat(100), 0600, 0, 0, 0, 1),
            EntryMeta.file("x".repeat(101), 0600, 0, 0, 0, 1),
            EntryMeta.file("d/".repeat(77) + "x".repeat(100), 0600, 0, 0, 0, 1),
            EntryMeta.file("d/".repeat(78) + "x".repeat(100), 0600, 0, 0, 0, 1),
            EntryMeta.file("y/".repeat(2000) + "z", 0600, 0, 0, 0, 1),
            EntryMeta.file("\u00fcml\u00e4ut \ud83d\ude80", 0600, 0, 0, 0, 1),
            EntryMeta.file(BYTES_NAME, 0600, 0, 0, 0, 1),
            EntryMeta.file(BYTES_NAME.repeat(40), 0600, 0, 0, 0, 1),
            EntryMeta.file("new\nline = \t", 0600, 0, 0, 0, 1),
            EntryMeta.file("owner", 0600, 2097151, 2097151, 0, 0),
            EntryMeta.file("owner", 0600, 2097152, 2097152, 0, 0),
            EntryMeta.file("owner", 0600, -2, -2, 0, 0),
            EntryMeta.file("then", 0600, 0, 0, -1, 0),
            EntryMeta.file("then", 0600, 0, 0, 077777777777L, 0),
            EntryMeta.file("then", 0600, 0, 0, 077777777777L + 1, 0),
            EntryMeta.file("then", 0600, 0, 0, 12, 0).withMtime(12, 1),
            EntryMeta.file("then", 0600, 0, 0, 12, 0).withMtime(12, 120_000_000),
            EntryMeta.file("then", 0600, 0, 0, 12, 0).withMtime(-1, 500_000_000),
            EntryMeta.file("then", 0600, 0, 0, 12, 0).withMtime(-2, 999_999_999),
            EntryMeta.file("block", 0600, 0, 0, 0, 512),
            EntryMeta.file("blocks", 0600, 0, 0, 0, 100_000),
            EntryMeta.directory("", 0755, 0, 0, 7),
            EntryMeta.directory("dir", 01777, 0, 0, 7),
            EntryMeta.directory("q/".repeat(60) + "dir", 01777, 0, 0, 7),
            EntryMeta.symlink("link", "../../target", 0, 0, 7),
            EntryMeta.symlink("link", "/" + "t".repeat(4000), 0, 0, 7),
            EntryMeta.symlink("link", BYTES_NAME.repeat(40), 0, 0, 7),
            EntryMeta.file("hard", 0600, 0, 0, 0, 0).asHardLinkTo("dir/first"),
            special(Kind.CHARACTER_DEVICE, 5, 1),
            special(Kind.BLOCK_DEVICE, 4095, 1048575),
            special(Kind.FIFO, 0, 0),
            new EntryMeta("caps", Kind.FILE, 0755, 0, 0, 0, 0, 0, null, 0, 0, xattrs, 0),
            new EntryMeta("dircaps", Kind.DIRECTORY, 0755, 0, 0, 0, 0, 0, null, 0, 0, xattrs, 0))
        .map(m -> Arguments.of(Tars.describe(m), m));
  }

  private static EntryMeta special(Kind kind, int major, int minor) {
    return new EntryMeta(
        "special", kind, 0660, 0, 6, 1, 0, 0, null, major, minor, new TreeMap<>(), 0);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("entries")
  void entryComesBackAsItWas(String text, EntryMeta meta) throws Exception {
    byte[] content = new byte[(int) meta.size()];
    java.util.Arrays.fill(content, (byte) 'k');
    byte[] tar =
        Tars.write(
            sink -> {
              sink.add(meta, new ByteArrayInputStream(content));
              sink.add(EntryMeta.file("zz-next", 0600, 0, 0, 0, 0));
            });

    var lines = Tars.describe(tar);

    assertThat(lines).hasSize(2);
    String crc = meta.kind() == Kind.FILE ? " crc=" + Tars.crc(content) : "";
    assertThat(lines.getFirst()).isEqualTo(text + crc);
    assertThat(tar.length % 512).isZero();
  }

  @Test
  void sizesBeyondElevenOctalDigitsAreRecords() throws Exception {
    long size = 9L << 30;
    byte[] header = TarEncoder.encode(EntryMeta.file("huge", 0644, 0, 0, 0, size));
    var reader = TarReader.ofLayer(new ByteArrayInputStream(header), "test");
    var entry = (LayerEvent.Entry) reader.next().orElseThrow();
    assertThat(entry.meta().size()).isEqualTo(size);
    assertThat(entry.extents()).containsExactly(new Extent(0, header.length, size));
    assertThatThrownBy(reader::next)
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.TRUNCATED));
  }

  @Test
  void fileWithALinkIdSeenBeforeBecomesAHardLink() throws Exception {
    var first = linked("a/first", 7);
    var second = linked("b/second", 7);
    var other = linked("c", 8);
    byte[] tar =
        Tars.write(
            sink -> {
              sink.add(first, bytes("hello"));
              sink.add(second, bytes("hello"));
              sink.add(linked("d", 7));
              sink.add(other, bytes("other"));
            });
    assertThat(Tars.describe(tar))
        .map(line -> line.replaceAll(" 644.*size", " size"))
        .containsExactly(
            "FILE \"a/first\" size=5 crc=" + Tars.crc("hello".getBytes(StandardCharsets.UTF_8)),
            "HARDLINK \"b/second\" size=0 -> \"a/first\"",
            "HARDLINK \"d\" size=0 -> \"a/first\"",
            "FILE \"c\" size=5 crc=" + Tars.crc("other".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void whiteoutsAndOpaqueMarksAreEvents() throws Exception {
    byte[] tar =
        Tars.write(
            sink -> {
              sink.opaque("");
              sink.opaque("var/lib");
              sink.whiteout("etc/passwd");
              sink.whiteout("top");
            });
    assertThat(Tars.describe(tar))
        .containsExactly("opaque ", "opaque var/lib", "whiteout etc/passwd", "whiteout top");
    assertThat(Tars.describe(TarReader.ofArchive(new ByteArrayInputStream(tar), "test")))
        .map(line -> line.split(" ")[1])
        .containsExactly(
            "\".wh..wh..opq\"", "\"var/lib/.wh..wh..opq\"", "\"etc/.wh.passwd\"", "\".wh.top\"");
  }

  @Test
  void extentsTellWhereContentIs() throws Exception {
    byte[] tar = Tars.write(sink -> sink.add(EntryMeta.file("f", 0, 0, 0, 0, 5), bytes("hello")));
    var reader = TarReader.ofLayer(new ByteArrayInputStream(tar), "test");
    var extent = ((LayerEvent.Entry) reader.next().orElseThrow()).extents().getFirst();
    assertThat(new String(tar, (int) extent.tarOffset(), 5, StandardCharsets.UTF_8))
        .isEqualTo("hello");
  }

  @Test
  void contentEndsWhenTheReaderGoesOn() throws Exception {
    byte[] tar = Tars.write(sink -> sink.add(EntryMeta.file("f", 0, 0, 0, 0, 5), bytes("hello")));
    var reader = TarReader.ofLayer(new ByteArrayInputStream(tar), "test");
    var entry = (LayerEvent.Entry) reader.next().orElseThrow();
    assertThat(reader.next()).isEmpty();
    assertThat(reader.next()).isEmpty();
    assertThatThrownBy(() -> entry.content().read()).hasMessageContaining("gone on");
  }

  static Stream<Arguments> refused() {
    var badXattr = new TreeMap<String, byte[]>();
    badXattr.put("user.a=b", new byte[1]);
    var bigXattr = new TreeMap<String, byte[]>();
    bigXattr.put("user.big", new byte[1 << 20]);
    EntryMeta five = EntryMeta.file("f", 0644, 0, 0, 0, 5);
    return Stream.of(
        refused(Code.UNSAFE_PATH, s -> s.add(EntryMeta.directory("../x", 0, 0, 0, 0))),
        refused(Code.UNSAFE_PATH, s -> s.add(EntryMeta.directory("/x", 0, 0, 0, 0))),
        refused(Code.UNSAFE_PATH, s -> s.add(EntryMeta.directory("x/", 0, 0, 0, 0))),
        refused(Code.UNSAFE_PATH, s -> s.add(EntryMeta.directory("x\0", 0, 0, 0, 0))),
        refused(Code.UNSAFE_PATH, s -> s.add(five.asHardLinkTo("../f"))),
        refused(Code.UNREPRESENTABLE, s -> s.add(EntryMeta.directory("a/.wh.b", 0, 0, 0, 0))),
        refused(Code.UNREPRESENTABLE, s -> s.whiteout("")),
        refused(
            Code.UNREPRESENTABLE,
            s -> s.add(new EntryMeta("f", Kind.FILE, 0, 0, 0, 0, 0, 0, null, 0, 0, badXattr, 0))),
        refused(
            Code.LIMIT_EXCEEDED,
            s -> s.add(new EntryMeta("f", Kind.FILE, 0, 0, 0, 0, 0, 0, null, 0, 0, bigXattr, 0))),
        refused(Code.CONTENT_SIZE, s -> s.add(five)),
        refused(Code.CONTENT_SIZE, s -> s.add(five, bytes("hell"))),
        refused(Code.CONTENT_SIZE, s -> s.add(five, bytes("hello!"))));
  }

  private static Arguments refused(Code code, LayerSource source) {
    return Arguments.of(code, source);
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatATarCannotHoldIsRefused(Code code, LayerSource source) {
    assertThatThrownBy(() -> source.writeTo(new TarWriter(new ByteArrayOutputStream())))
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
  }

  private static EntryMeta linked(String path, long id) {
    return new EntryMeta(path, Kind.FILE, 0644, 0, 0, 0, 0, 5, null, 0, 0, new TreeMap<>(), id);
  }

  private static ByteArrayInputStream bytes(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }
}
