package build.kiln.runtime.store;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The images of an archive: an OCI layout in a tar, or what {@code docker save} writes, of today or
 * older; compressed or not. Nothing of it is believed: every blob is verified.
 *
 * <p>Where there is an OCI layout the manifests are its own, byte for byte. Older archives of
 * docker have none: layers are compressed anew there (gzip), and the manifest is made.
 */
public final class ImageArchive {
  private static final String CONTAINERD_NAME = "io.containerd.image.name";
  private static final String REF_NAME = "org.opencontainers.image.ref.name";
  private static final int LARGEST_DOCUMENT = 16 << 20;

  private final ArchiveFiles files;

  /**
   * An image.
   *
   * @param root its manifest or index
   * @param names whole ones, as far as the archive has them
   * @param tag as the layout's index has it, or empty
   */
  public record Image(Descriptor root, List<Reference> names, Optional<String> tag) {
    public Image {
      names = List.copyOf(names);
    }
  }

  private ImageArchive(ArchiveFiles files) {
    this.files = files;
  }

  /**
   * Unpacks an archive.
   *
   * @param folder empty, for its files, as long as this is used
   * @param what names it in messages
   * @throws StoreException INVALID_ARCHIVE if that is none
   */
  public static ImageArchive open(InputStream in, Path folder, String what) throws IOException {
    var archive = new ImageArchive(ArchiveFiles.unpack(in, folder, what));
    if (!archive.isLayout() && !archive.files.has("manifest.json")) {
      throw archive.files.invalid("it has neither index.json nor manifest.json");
    }
    return archive;
  }

  /** Whether it is an OCI layout; its images can be taken as such. */
  public boolean isLayout() {
    return files.has("index.json") && files.has("oci-layout");
  }

  /** The folder with the layout, if it is one. */
  public Path layout() {
    return files.folder();
  }

  /** Brings all images into a store; names are not given there. */
  public List<Image> load(LocalStore store) throws IOException {
    try {
      return isLayout() ? loadLayout(store) : loadDocker(store);
    } catch (OciException | IllegalArgumentException e) {
      throw files.invalid(String.valueOf(e.getMessage()));
    }
  }

  private List<Image> loadLayout(LocalStore store) throws IOException {
    Index index = Json.read(small("index.json"), Index.JSON, "index.json");
    List<Image> images = new ArrayList<>();
    for (Descriptor each : index.manifests()) {
      Descriptor root = Descriptor.of(each.mediaType(), each.digest(), each.size());
      var layout = new OciLayout(files.folder(), root);
      ImageTree.bring(root, store, (blob, manifest) -> layout.copy(blob, store));
      Optional<String> name = annotation(each, CONTAINERD_NAME);
      images.add(
          new Image(
              root, name.map(Reference::parse).stream().toList(), annotation(each, REF_NAME)));
    }
    return files.has("manifest.json") ? withDockerNames(images) : images;
  }

  private static Optional<String> annotation(Descriptor image, String key) {
    return Optional.ofNullable(image.annotations()).map(annotations -> annotations.get(key));
  }

  /** Tools that write docker's archives beside a layout name images only in manifest.json. */
  private List<Image> withDockerNames(List<Image> images) throws IOException {
    List<JsonNode> entries = dockerEntries();
    if (images.stream().anyMatch(image -> !image.names.isEmpty())
        || entries.size() != images.size()) {
      return images;
    }
    List<Image> named = new ArrayList<>();
    for (int i = 0; i < images.size(); i++) {
      Image image = images.get(i);
      named.add(new Image(image.root, names(entries.get(i)), image.tag));
    }
    return named;
  }

  private List<JsonNode> dockerEntries() throws IOException {
    JsonNode document = Json.tree(small("manifest.json"), "manifest.json");
    List<JsonNode> entries = new ArrayList<>();
    document.forEach(entries::add);
    if (!document.isArray() || entries.isEmpty()) {
      throw files.invalid("manifest.json lists no images");
    }
    return entries;
  }

  private List<Image> loadDocker(LocalStore store) throws IOException {
    List<Image> images = new ArrayList<>();
    for (JsonNode entry : dockerEntries()) {
      images.add(new Image(make(entry, store), names(entry), Optional.empty()));
    }
    return images;
  }

  private static List<Reference> names(JsonNode entry) {
    Set<Reference> names = new LinkedHashSet<>();
    entry.path("RepoTags").forEach(name -> names.add(Reference.parse(name.asText())));
    return List.copyOf(names);
  }

  private Descriptor make(JsonNode entry, LocalStore store) throws IOException {
    byte[] bytes = small(entry.path("Config").asText(""));
    ImageConfig config = Json.read(bytes, ImageConfig.JSON, "the configuration");
    List<Digest> diffIds = config.rootfs().diffIds();
    List<Descriptor> layers = new ArrayList<>();
    for (JsonNode layer : entry.path("Layers")) {
      if (layers.size() == diffIds.size()) {
        throw files.invalid("it has more layers than its configuration says");
      }
      layers.add(layer(files.file(layer.asText()), diffIds.get(layers.size()), store));
    }
    if (layers.size() != diffIds.size()) {
      throw files.invalid("it has fewer layers than its configuration says");
    }
    Descriptor stored = store.put(MediaTypes.OCI_CONFIG, bytes);
    Manifest manifest = Manifest.oci(stored, layers, null);
    return store.put(MediaTypes.OCI_MANIFEST, Json.write(manifest, Manifest.JSON));
  }

  private Descriptor layer(Path file, Digest diffId, LocalStore store) throws IOException {
    Decompression.Format format;
    try (var in = new BufferedInputStream(Files.newInputStream(file))) {
      format = Decompression.detect(in);
    }
    boolean keep = format == Decompression.Format.GZIP || format == Decompression.Format.ZSTD;
    if (!keep) {
      try (InputStream in = Decompression.open(Files.newInputStream(file), "a layer")) {
        Layer layer = store.layers().compress(in, Compression.GZIP);
        if (!layer.diffId().equals(diffId)) {
          throw files.invalid("a layer is " + layer.diffId() + ", not " + diffId);
        }
        return layer.descriptor();
      }
    }
    check(file, diffId);
    String type =
        format == Decompression.Format.GZIP ? MediaTypes.OCI_LAYER_GZIP : MediaTypes.OCI_LAYER_ZSTD;
    try (InputStream in = Files.newInputStream(file);
        var ingest = store.ingest()) {
      in.transferTo(ingest.out());
      return ingest.commit(type);
    }
  }

  private void check(Path file, Digest diffId) throws IOException {
    try (var in =
        new DigestInputStream(
            Decompression.open(Files.newInputStream(file), "a layer"), Digest.sha256())) {
      in.transferTo(OutputStream.nullOutputStream());
      Digest found = Digest.fromSha256(in.getMessageDigest().digest());
      if (!found.equals(diffId)) {
        throw files.invalid("a layer is " + found + ", not " + diffId);
      }
    }
  }

  private byte[] small(String name) throws IOException {
    Path file = files.file(name);
    if (Files.size(file) > LARGEST_DOCUMENT) {
      throw files.invalid(name + " is larger than 16 MiB");
    }
    return Files.readAllBytes(file);
  }
}
