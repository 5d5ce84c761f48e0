package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Random input, the same in every run and made without a look at the code, which {@link
 * LanguageFuzzTest} has: nothing but a {@link DockerfileException} with a place may come out,
 * whatever goes in, and soon. {@code -Dkiln.fuzz.inputs=1000000 -Dkiln.fuzz.seed=1} tries more, or
 * others.
 */
class RandomInputTest {
  private static final int INPUTS = Integer.getInteger("kiln.fuzz.inputs", 20_000);
  private static final long SEED = Long.getLong("kiln.fuzz.seed", 20_261_122);
  private static final String[] PIECES = {
    "FROM x",
    "FROM ",
    "RUN ",
    "COPY ",
    "ADD ",
    "ENV ",
    "ARG ",
    "LABEL ",
    "EXPOSE ",
    "VOLUME ",
    "HEALTHCHECK ",
    "CMD ",
    "SHELL ",
    "ONBUILD ",
    "STOPSIGNAL ",
    "USER ",
    "WORKDIR ",
    "ENTRYPOINT ",
    "MAINTAINER ",
    "# escape=`\n",
    "# syntax=docker/dockerfile:1\n",
    "#",
    "\n",
    "\r\n",
    "\\\n",
    "`\n",
    "\\",
    "`",
    "'",
    "\"",
    "$",
    "${",
    "}",
    "$A",
    "${A:-",
    "${A/",
    "${A//",
    "${A#",
    "${A%%",
    "<<EOF",
    "<<-'E",
    "EOF\n",
    "\nE\n",
    "[\"",
    "\"]",
    "[",
    "]",
    "{",
    ",",
    ":",
    "=",
    "--",
    "--from=",
    "--mount=",
    "type=cache,target=",
    "--chmod=",
    "--exclude=",
    "--parents ",
    "http://h/x.git",
    "?ref=",
    "&",
    "--interval=",
    "1m30s",
    " AS ",
    "a",
    " ",
    "\t",
    "80-90/udp",
    "0",
    "\u0000",
    "\u00a0",
    "\u00fc",
    "\ud83d\ude00",
    "\\u12",
    "*",
    "?",
    "!",
    "**/",
  };

  @Test
  void randomPieces() throws Exception {
    var random = new Random(SEED);
    List<byte[]> corpus = corpus();
    for (int i = 0; i < INPUTS; i++) {
      byte[] input =
          switch (i % 3) {
            case 0 -> bytes(random);
            case 1 -> pieces(random);
            default -> mutated(corpus.get(random.nextInt(corpus.size())), random);
          };
      check(input);
    }
  }

  private static void check(byte[] input) throws Exception {
    try {
      Oracle.holds(() -> Uses.dockerfile(input));
      Oracle.holds(() -> Uses.ignoreFile(input));
    } catch (RuntimeException | AssertionError | StackOverflowError e) {
      throw new AssertionError(describe(input), e);
    }
  }

  private static byte[] bytes(Random random) {
    byte[] out = new byte[random.nextInt(200)];
    random.nextBytes(out);
    return out;
  }

  private static byte[] pieces(Random random) {
    var out = new StringBuilder(random.nextBoolean() ? "FROM x\n" : "");
    int count = random.nextInt(40);
    for (int i = 0; i < count; i++) {
      out.append(PIECES[random.nextInt(PIECES.length)]);
    }
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] mutated(byte[] seed, Random random) {
    byte[] out = seed.clone();
    int changes = 1 + random.nextInt(8);
    for (int i = 0; i < changes && out.length > 0; i++) {
      int at = random.nextInt(out.length);
      int other = random.nextInt(out.length);
      switch (random.nextInt(3)) {
        case 0 -> out[at] = (byte) random.nextInt(256);
        case 1 -> out[at] = out[other];
        default ->
            System.arraycopy(
                seed,
                Math.min(at, other),
                out,
                other,
                Math.min(random.nextInt(12), out.length - Math.max(at, other)));
      }
    }
    return out;
  }

  private static List<byte[]> corpus() throws Exception {
    var corpus = new ArrayList<byte[]>();
    try (var files = Files.walk(Path.of("src/test/resources/dockerfile"))) {
      for (Path file : files.filter(f -> f.endsWith("Dockerfile")).sorted().toList()) {
        corpus.add(Files.readAllBytes(file));
      }
    }
    assertThat(corpus).hasSizeGreaterThan(50);
    return corpus;
  }

  private static String describe(byte[] input) {
    return "input: " + new String(input, StandardCharsets.ISO_8859_1);
  }
}
