package build.kiln.operator.quickstart;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.TarWriter;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.ImageConfig.History;
import build.kiln.runtime.oci.ImageConfig.RootFs;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.RegistryClient;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/**
 * A base image made of this machine's own programs: its static busybox, or else its shell and a few
 * tools with the libraries they load. So the quickstart pulls nothing from anywhere.
 *
 * @param origin what it was made of, in words
 */
record BaseImage(String origin, byte[] layer, byte[] config, byte[] manifest) {
  private static final List<String> TOOLS =
      List.of(
          "sh", "cat", "chmod", "chown", "cp", "echo", "id", "ln", "ls", "mkdir", "mv", "rm", "sed",
          "sleep", "touch", "wc");

  private static final List<String> ENVIRONMENT =
      List.of("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

  private static final List<Path> FOLDERS =
      Stream.of("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin").map(Path::of).toList();

  /** A line of ldd: a library's path, with what was asked for before it or not. */
  private static final Pattern LIBRARY = Pattern.compile("(?m)(?:^|=>)\\s+(/\\S+) \\(0x");

  /**
   * Makes the image.
   *
   * @param architecture as OCI names it, such as amd64
   */
  static BaseImage make(String architecture) throws IOException, InterruptedException {
    var busybox = find("busybox");
    if (busybox.isPresent() && Elf.isStatic(busybox.get())) {
      return ofBusybox(busybox.get(), architecture);
    }
    return ofTools(architecture);
  }

  /** Pushes the image under a tag. */
  void pushTo(RegistryClient registry, Reference target) throws IOException {
    var parsed = Json.read(manifest, Manifest.JSON, "manifest");
    registry.pushBlob(target, parsed.layers().getFirst(), BlobSource.of(layer), List.of());
    registry.pushBlob(target, parsed.config(), BlobSource.of(config), List.of());
    registry.pushManifest(target, manifest, MediaTypes.OCI_MANIFEST);
  }

  private static BaseImage ofBusybox(Path busybox, String architecture)
      throws IOException, InterruptedException {
    Map<String, Path> files = new TreeMap<>();
    Map<String, String> links = new TreeMap<>();
    files.put("bin/busybox", busybox);
    output(busybox.toString(), "--list")
        .lines()
        .filter(applet -> !applet.equals("busybox"))
        .forEach(applet -> links.put("bin/" + applet, "busybox"));
    return image("the static " + busybox, files, links, architecture);
  }

  /** Made of the shell, tools and libraries of this machine. */
  static BaseImage ofTools(String architecture) throws IOException, InterruptedException {
    Map<String, Path> files = new TreeMap<>();
    for (var tool : TOOLS) {
      var path =
          find(tool)
              .orElseThrow(
                  () ->
                      new IOException(
                          "this machine has no program \"%s\" to make a base image of; install busybox-static"
                              .formatted(tool)));
      files.put("bin/" + tool, path);
      var libraries = LIBRARY.matcher(output("ldd", path.toString()));
      while (libraries.find()) {
        files.put(libraries.group(1).substring(1), Path.of(libraries.group(1)));
      }
    }
    return image("this machine's /bin/sh and tools", files, Map.of(), architecture);
  }

  private static BaseImage image(
      String origin, Map<String, Path> files, Map<String, String> links, String architecture)
      throws IOException {
    var tar = tar(files, links);
    var zipped = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(zipped)) {
      gzip.write(tar);
    }
    var layer = zipped.toByteArray();
    var container =
        new ContainerConfig(
            null,
            null,
            ENVIRONMENT,
            null,
            List.of("sh"),
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null);
    var config =
        Json.write(
            new ImageConfig(
                "1970-01-01T00:00:00Z",
                null,
                architecture,
                null,
                "linux",
                null,
                null,
                container,
                new RootFs(List.of(Digest.ofBytes(tar))),
                List.of(new History(null, "quickstart, of " + origin, null, null, null))));
    var manifest =
        Manifest.oci(
            Descriptor.ofBytes(MediaTypes.OCI_CONFIG, config),
            List.of(Descriptor.ofBytes(MediaTypes.OCI_LAYER_GZIP, layer)),
            null);
    return new BaseImage(origin, layer, config, Json.write(manifest));
  }

  private static byte[] tar(Map<String, Path> files, Map<String, String> links) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var tar = new TarWriter(bytes);
    var folders =
        new TreeSet<>(List.of("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr", "var"));
    files.keySet().forEach(file -> addParents(file, folders));
    for (var folder : folders) {
      tar.add(EntryMeta.directory(folder, folder.equals("tmp") ? 01777 : 0755, 0, 0, 0));
    }
    text(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
    text(tar, "etc/group", "root:x:0:\nnobody:x:65534:\n");
    for (var file : files.entrySet()) {
      var entry = EntryMeta.file(file.getKey(), 0755, 0, 0, 0, Files.size(file.getValue()));
      tar.add(entry, Files.newInputStream(file.getValue()));
    }
    for (var link : links.entrySet()) {
      tar.add(EntryMeta.symlink(link.getKey(), link.getValue(), 0, 0, 0));
    }
    tar.finish();
    return bytes.toByteArray();
  }

  private static void text(TarWriter tar, String path, String text) throws IOException {
    var content = text.getBytes(StandardCharsets.UTF_8);
    tar.add(EntryMeta.file(path, 0644, 0, 0, 0, content.length), new ByteArrayInputStream(content));
  }

  private static void addParents(String path, TreeSet<String> folders) {
    for (int slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      folders.add(path.substring(0, slash));
    }
  }

  private static Optional<Path> find(String program) {
    return FOLDERS.stream()
        .map(folder -> folder.resolve(program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** What a command prints; of a failing one too, since ldd fails for static programs. */
  private static String output(String... command) throws IOException, InterruptedException {
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }
}
