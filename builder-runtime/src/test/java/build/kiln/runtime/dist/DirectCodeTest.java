package build.kiln.runtime.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the distribution's classes become: the same, without what a JVM would make at first use. */
class DirectCodeTest {
  private static final String SOURCE =
      """
      package sample;

      import java.util.List;

      public class Sample implements Runnable {
        sealed interface Shape {
          default int corners() {
            return switch (this) {
              case Circle c -> 0;
              case Square(double side) when side < 0 -> -1;
              case Square s -> 4;
              case Nothing n -> 0;
            };
          }
        }

        record Circle(double radius, float weight, String name) implements Shape {}

        record Square(double side) implements Shape {}

        record Nothing() implements Shape {}

        record All(
            boolean z, byte b, char c, short s, int i, long l, float f, double d, int[] array,
            List<String> list, All other) {}

        record Own(int a) {
          @Override
          public String toString() {
            return "own";
          }
        }

        static String local() {
          record Local$Name(int a) {}
          return new Local$Name(1).toString();
        }

        static String kind(Object object) {
          return switch (object) {
            case null -> "null";
            case String s when s.isEmpty() -> "empty";
            case String s -> "text";
            case CharSequence s -> "sequence";
            case int[] a -> "ints";
            case Integer i when i > 5 -> "big";
            case Integer i -> "number";
            case All all -> "all";
            default -> "other";
          };
        }

        static String constant(Object object) {
          return switch (object) {
            case Thread.State s when s == Thread.State.NEW -> "new";
            case Thread.State s -> "state";
            default -> "other";
          };
        }

        @Override
        public void run() {
          int[] array = {1};
          var all = new All(true, (byte) -1, 'x', (short) -2, 3, 1L << 40, -0f, Double.NaN, array, List.of("a"), null);
          var same = new All(true, (byte) -1, 'x', (short) -2, 3, 1L << 40, -0f, Double.NaN, array, List.of("a"), null);
          var zero = new All(true, (byte) -1, 'x', (short) -2, 3, 1L << 40, 0f, Double.NaN, array, List.of("a"), null);
          var deep = new All(false, (byte) 0, 'y', (short) 0, 0, 0, 0, 0, null, null, all);
          for (Object one : new Object[] {all, same, zero, deep, new Circle(1.5, 2f, null), new Circle(1.5, 2f, "n"), new Square(-1), new Square(2), new Nothing(), new Own(3), new Own(3)}) {
            String shown = one.toString().replaceAll("@[0-9a-f]+", "@");
            // An array's hash is its identity's.
            System.out.print(shown + " " + (one instanceof All ? one.hashCode() == all.hashCode() : one.hashCode()));
            for (Object other : new Object[] {all, same, zero, deep, new Circle(1.5, 2f, null), new Square(2), new Nothing(), new Own(3), "x", null}) {
              System.out.print(" " + one.equals(other));
            }
            System.out.println(one instanceof Shape shape ? " " + shape.corners() : "");
          }
          for (Object one : new Object[] {null, "", "a", new StringBuilder(), array, 6, 5, all, 1L, Thread.State.NEW, Thread.State.BLOCKED}) {
            System.out.println(kind(one) + (one == null ? "" : " " + constant(one)));
          }
        }

        public static void main(String[] arguments) {
          System.out.println(local());
          new Sample().run();
        }
      }
      """;

  @TempDir private Path folder;
  private Path jar;

  @BeforeEach
  void compile() throws IOException {
    Path source = Files.writeString(folder.resolve("Sample.java"), SOURCE);
    Path classes = folder.resolve("classes");
    int code =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(System.out, System.err, "-d", classes.toString(), source.toString());
    assertThat(code).isZero();
    jar = folder.resolve("sample.jar");
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file);
        var found = Files.walk(classes)) {
      for (Path path : found.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new JarEntry(classes.relativize(path).toString()));
        out.write(Files.readAllBytes(path));
        out.closeEntry();
      }
    }
  }

  @Test
  void recordsAndSwitchesOverTypesDoAsBefore() throws Exception {
    String before = run();
    assertThat(bootstraps()).contains("ObjectMethods", "SwitchBootstraps");
    assertThat(java("-cp", jar.toString(), "src/build/DirectCode.java", jar.toString())).isEmpty();
    assertThat(bootstraps()).doesNotContain("ObjectMethods", "SwitchBootstraps");
    assertThat(run())
        .isEqualTo(before)
        .contains("Square[side=2.0]")
        .contains("sequence")
        .contains("Local$Name[a=1]");
  }

  @Test
  void aSecondTimeNothingChanges() throws Exception {
    java("-cp", jar.toString(), "src/build/DirectCode.java", jar.toString());
    byte[] first = Files.readAllBytes(jar);
    java("-cp", jar.toString(), "src/build/DirectCode.java", jar.toString());
    assertThat(Files.readAllBytes(jar)).isEqualTo(first);
  }

  private String run() throws Exception {
    return java("-Xverify:all", "-XX:-PrintWarnings", "-cp", jar.toString(), "sample.Sample");
  }

  /** Which classes' methods the code of the jar is made by at its first use. */
  private List<String> bootstraps() throws IOException {
    try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
      var names = new java.util.TreeSet<String>();
      for (String name : List.of("Sample", "Sample$All", "Sample$Shape", "Sample$Own")) {
        try (var in = loader.getResourceAsStream("sample/" + name + ".class")) {
          var model = java.lang.classfile.ClassFile.of().parse(in.readAllBytes());
          model
              .findAttribute(java.lang.classfile.Attributes.bootstrapMethods())
              .ifPresent(
                  all ->
                      all.bootstrapMethods()
                          .forEach(
                              each ->
                                  names.add(
                                      each.bootstrapMethod()
                                          .reference()
                                          .owner()
                                          .asSymbol()
                                          .displayName())));
        }
      }
      return List.copyOf(names);
    }
  }

  private static String java(String... arguments) throws Exception {
    var command = new java.util.ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }
}
