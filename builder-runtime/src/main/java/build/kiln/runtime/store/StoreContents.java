package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.CacheUnit.Kind;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The build cache of a store: all that is there for no image's sake. Looking marks nothing. */
final class StoreContents {
  /** Keys of records that say what is an image. */
  static final String IMAGE = "image ";

  /** Keys of records that say where an image's layers are. */
  static final String ORIGINS = "origins of ";

  private static final String INPUTS = "inputs:";
  private static final int ID_LENGTH = 12;
  private static final FileTime NEVER = FileTime.fromMillis(0);

  private final LocalStore store;
  private final ImageReach images;
  private final Set<String> imageRecords = new HashSet<>();

  /** The records that lead to a layer. */
  private final Map<Digest, List<Path>> results = new LinkedHashMap<>();

  /** The layer of a step's key. */
  private final Map<String, Digest> layers = new HashMap<>();

  /** The diff ID of a step's layer. */
  private final Map<Digest, Digest> diffIds = new HashMap<>();

  private final List<CacheUnit> units = new ArrayList<>();

  /** As the cache writes them; nothing else has a layer. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  private record StepRecord(@Nullable Descriptor layer, @Nullable Digest diffId) {}

  private StoreContents(LocalStore store, ImageReach images) {
    this.store = store;
    this.images = images;
  }

  /** Reads all of it. */
  static List<CacheUnit> cache(LocalStore store) throws IOException {
    List<Descriptor> images =
        new StoreImages(store).all().stream().map(StoreImages.Image::descriptor).toList();
    var contents = new StoreContents(store, ImageReach.of(store, images));
    for (Descriptor image : images) {
      contents.imageRecords.add(IMAGE + image.digest());
      contents.imageRecords.add(ORIGINS + image.digest());
    }
    List<Records.Stored> others = contents.readRecords();
    contents.addRecords(others);
    Set<Path> taken = contents.addSteps();
    contents.addBlobs(taken);
    contents.addIndexes(taken);
    contents.addContexts();
    contents.units.addAll(new StoredMounts(store).list());
    contents.units.addAll(new StoredLayers(store).list(contents.images.diffIds()));
    return contents.units;
  }

  /** The layers that results of steps are, which no removal of images takes. */
  static Set<Digest> stepLayers(LocalStore store) throws IOException {
    var contents = new StoreContents(store, ImageReach.of(store, List.of()));
    contents.readRecords();
    return Set.copyOf(contents.results.keySet());
  }

  /** Sorts the records that lead to layers; gives the others. */
  private List<Records.Stored> readRecords() throws IOException {
    var others = new ArrayList<Records.Stored>();
    for (Records.Stored record : store.cacheRecords().stored()) {
      StepRecord step = step(record);
      if (step == null || step.layer() == null || step.layer().digest() == null) {
        others.add(record);
        continue;
      }
      Digest layer = step.layer().digest();
      results.computeIfAbsent(layer, digest -> new ArrayList<>()).add(record.file());
      layers.put(record.entry().key(), layer);
      if (step.diffId() != null) {
        diffIds.put(layer, step.diffId());
      }
    }
    return others;
  }

  private static @Nullable StepRecord step(Records.Stored record) {
    String key = record.entry().key();
    if (key.isEmpty() || key.indexOf(' ') >= 0 || key.indexOf(':') >= 0) {
      return null;
    }
    try {
      return Json.read(record.entry().value(), StepRecord.class, key);
    } catch (OciException other) {
      return null;
    }
  }

  private void addRecords(List<Records.Stored> records) throws IOException {
    for (Records.Stored record : records) {
      String key = record.entry().key();
      if (imageRecords.contains(key)) {
        continue;
      }
      boolean shared;
      if (key.startsWith(INPUTS)) {
        Digest layer = layers.get(key.substring(INPUTS.length()));
        shared = layer != null && images.blobs().contains(layer);
      } else {
        shared = !key.isEmpty() && !key.startsWith(IMAGE) && !key.startsWith(ORIGINS);
      }
      add(Kind.RECORD, String.valueOf(record.file().getFileName()), List.of(record.file()), shared);
    }
  }

  /** Steps: records with their layers and those's indexes; gives the files. */
  private Set<Path> addSteps() throws IOException {
    var taken = new HashSet<Path>();
    for (var step : results.entrySet()) {
      Digest layer = step.getKey();
      var files = new ArrayList<Path>(step.getValue());
      boolean shared = images.blobs().contains(layer);
      Path blob = store.blobPath(layer);
      Digest diffId = diffIds.get(layer);
      if (!shared) {
        if (diffId != null && !images.diffIds().contains(diffId)) {
          files.add(store.indexPath(diffId));
        }
        files.add(blob);
      }
      taken.addAll(files);
      add(Kind.STEP, layer.shortHex(), files, shared);
    }
    return taken;
  }

  private void addBlobs(Set<Path> taken) throws IOException {
    try (DirectoryStream<Path> algorithms =
        Files.newDirectoryStream(store.root().resolve("blobs"))) {
      for (Path algorithm : algorithms) {
        try (DirectoryStream<Path> blobs = Files.newDirectoryStream(algorithm)) {
          for (Path blob : blobs) {
            addBlob(blob, taken);
          }
        }
      }
    }
  }

  private void addBlob(Path blob, Set<Path> taken) throws IOException {
    Digest digest;
    try {
      digest =
          Digest.parse(
              blob.getName(blob.getNameCount() - 2) + ":" + blob.getName(blob.getNameCount() - 1));
    } catch (OciException notOurs) {
      return;
    }
    if (!taken.contains(blob) && !images.blobs().contains(digest)) {
      add(Kind.BASE, digest.shortHex(), List.of(blob), false);
    }
  }

  private void addIndexes(Set<Path> taken) throws IOException {
    Set<String> ofImages = new HashSet<>();
    images
        .diffIds()
        .forEach(diffId -> ofImages.add(String.valueOf(store.indexPath(diffId).getFileName())));
    try (DirectoryStream<Path> indexes = Files.newDirectoryStream(store.root().resolve("index"))) {
      for (Path index : indexes) {
        if (!taken.contains(index)) {
          String name = String.valueOf(index.getFileName());
          String id = name.substring(name.indexOf('-') + 1);
          String start = id.substring(0, Math.min(ID_LENGTH, id.length()));
          add(Kind.INDEX, start, List.of(index), ofImages.contains(name));
        }
      }
    }
  }

  private void addContexts() throws IOException {
    Path folder = store.root().resolve(ContextHashes.FOLDER);
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> contexts = Files.newDirectoryStream(folder)) {
        for (Path context : contexts) {
          String name = String.valueOf(context.getFileName());
          String start = name.substring(0, Math.min(ID_LENGTH, name.length()));
          add(Kind.RECORD, start, List.of(context), false);
        }
      }
    }
  }

  /** Adds what is there of these files. */
  private void add(Kind kind, String id, List<Path> files, boolean shared) throws IOException {
    long size = 0;
    FileTime used = NEVER;
    for (Path file : files) {
      try {
        var attributes = Files.readAttributes(file, BasicFileAttributes.class);
        size += attributes.size();
        used =
            attributes.lastModifiedTime().compareTo(used) > 0
                ? attributes.lastModifiedTime()
                : used;
      } catch (NoSuchFileException gone) {
        continue;
      }
    }
    units.add(new CacheUnit(kind, id, files, shared, size, used));
  }
}
