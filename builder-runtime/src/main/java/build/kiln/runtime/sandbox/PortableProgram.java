package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileHandle;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A program of the builder's own together with the dynamic loader and the libraries it needs, so
 * that it can run within a root that has other ones or none.
 *
 * @param name the program's file name
 * @param loader file name of the dynamic loader; null for a static program
 * @param files what is needed, by file name
 */
record PortableProgram(String name, @Nullable String loader, Map<String, Path> files) {
  // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x..)"
  private static final Pattern LIBRARY = Pattern.compile("^\\s*(\\S+) => (/\\S+) \\(0x");
  private static final Pattern LOADER = Pattern.compile("^\\s*(/\\S+/(ld[^/\\s]*)) \\(0x");
  private static final byte[] ELF = {0x7f, 'E', 'L', 'F'};
  private static final int BUFFER = 64 * 1024;

  PortableProgram {
    files = Map.copyOf(files);
  }

  /** Asks the program's own loader what it would load. */
  static PortableProgram of(Path program) throws IOException, InterruptedException {
    Path real = program.toRealPath();
    try (InputStream in = Files.newInputStream(real)) {
      if (!java.util.Arrays.equals(in.readNBytes(ELF.length), ELF)) {
        throw new IOException(program + " is not a program in ELF format");
      }
    }
    String name = program.getFileName().toString();
    Map<String, Path> files = new TreeMap<>(Map.of(name, real));
    if (isStatic(real)) {
      return new PortableProgram(name, null, files);
    }
    String loader = null;
    for (String line : trace(real).lines().toList()) {
      Matcher library = LIBRARY.matcher(line);
      Matcher dynamic = LOADER.matcher(line);
      if (library.find()) {
        files.put(library.group(1), Path.of(library.group(2)).toRealPath());
      } else if (dynamic.find()) {
        loader = dynamic.group(2);
        files.put(loader, Path.of(dynamic.group(1)).toRealPath());
      }
    }
    if (loader == null) {
      throw new IOException("cannot tell which libraries " + program + " needs; it needs glibc");
    }
    return new PortableProgram(name, loader, files);
  }

  /** A static program has no PT_INTERP header (ELF-64, as all supported machines have it). */
  private static boolean isStatic(Path program) throws IOException {
    try (InputStream in = Files.newInputStream(program)) {
      var head =
          java.nio.ByteBuffer.wrap(in.readNBytes(4096)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
      int offset = (int) head.getLong(32);
      int size = head.getShort(54);
      int count = head.getShort(56);
      for (int i = 0; i < count && offset + (i + 1) * size <= head.limit(); i++) {
        if (head.getInt(offset + i * size) == 3) {
          return false;
        }
      }
      return true;
    }
  }

  private static String trace(Path program) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(program.toString()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("LD_TRACE_LOADED_OBJECTS", "1");
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }

  /** Copies what is needed; files that are there already are taken to be the same. */
  void copyTo(DirectoryHandle directory) throws IOException {
    byte[] buffer = new byte[BUFFER];
    for (Map.Entry<String, Path> file : files.entrySet()) {
      if (directory.find(file.getKey()).isEmpty()) {
        try (InputStream in = Files.newInputStream(file.getValue());
            FileHandle copy = directory.createFile(file.getKey(), 0700)) {
          copy.writeAll(in, buffer);
          copy.chmod(0755);
        }
      }
    }
  }

  /**
   * The command that runs it.
   *
   * @param directory where the copies are, as the command will see it
   */
  List<String> command(String directory, List<String> arguments) {
    List<String> command = new ArrayList<>();
    if (loader != null) {
      command.addAll(List.of(directory + "/" + loader, "--library-path", directory));
    }
    command.add(directory + "/" + name);
    command.addAll(arguments);
    return command;
  }
}
