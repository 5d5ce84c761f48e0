package build.kiln.runtime.cli.manifest;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.api.work.Records;
import build.kiln.runtime.cli.manifest.ManifestException.Code;
import build.kiln.runtime.cli.manifest.ManifestException.Problem;
import build.kiln.runtime.cli.manifest.ManifestFile.Manifest;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Reads one file. */
final class ManifestReader {
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final String ORDER_GROUP = "work.kiln.build/";
  private static final Pattern NAME =
      Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");

  private static final Pattern ESCAPE = Pattern.compile("\\\\.");

  private final String file;
  private final List<String> notes = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();

  ManifestReader(String file) {
    this.file = file;
  }

  ManifestFile read(byte[] bytes) {
    String text = decode(bytes);
    Optional<JsonNode> json = json(text);
    if (json.map(tree -> tree.path("apiVersion").asText()).orElse("").startsWith(ORDER_GROUP)) {
      return order(text, json.orElseThrow());
    }
    return manifest(json.isPresent() ? yaml(text) : text);
  }

  private String decode(byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new ManifestException(
          Code.SyntaxInvalid, file, Place.START, "this is no UTF-8 text: save it as UTF-8");
    }
  }

  private static Optional<JsonNode> json(String text) {
    if (!text.stripLeading().startsWith("{")) {
      return Optional.empty();
    }
    try {
      return Optional.of(Json.tree(text));
    } catch (JsonProcessingException e) {
      return Optional.empty(); // then it may be YAML in braces
    }
  }

  /**
   * What JSON has and YAML 1.1 has not: tabs between values (inside texts JSON has none), and the
   * escaped slash.
   */
  private static String yaml(String json) {
    return ESCAPE
        .matcher(json.replace('\t', ' '))
        .replaceAll(m -> m.group().equals("\\/") ? "/" : Matcher.quoteReplacement(m.group()));
  }

  private ManifestFile order(String text, JsonNode json) {
    try {
      if (Records.isMirrorOrder(json)) {
        return new ManifestFile.OrderedMirror(Records.readMirrorOrder(text));
      }
      if (Records.isNodeOrder(json)) {
        return new ManifestFile.OrderedNode(Records.readNodeOrder(text));
      }
      return Records.isPruneOrder(json)
          ? new ManifestFile.OrderedPrune(Records.readPruneOrder(text))
          : new ManifestFile.Order(Records.readOrder(text));
    } catch (IllegalArgumentException e) {
      String reason = e.getMessage();
      throw new ManifestException(
          Code.OrderInvalid, file, Place.START, reason == null ? "not a work order" : reason);
    }
  }

  private ManifestFile manifest(String text) {
    List<Document> documents = YamlReader.read(file, text).stream().map(this::document).toList();
    Document work = theWork(documents);
    problems.addAll(SchemaCheck.problems(work.tree(), schema(work)));
    name(work);
    Map<String, Map<String, byte[]>> configMaps = configMaps(work, documents);
    if (!problems.isEmpty()) {
      throw new ManifestException(Code.FieldInvalid, file, problems);
    }
    List<String> aside = List.copyOf(notes);
    if (work.isMirror()) {
      var mirror = parts(work, ImageMirror.class, ImageMirrorSpec.class);
      return new ManifestFile.Mirror(mirror.metadata(), mirror.spec(), aside);
    }
    if (work.isPolicy()) {
      var policy =
          resource(work, ImagePrunePolicy.class, ImagePrunePolicy::new, ImagePrunePolicySpec.class);
      return new ManifestFile.Prune(policy, aside);
    }
    var build = resource(work, ImageBuild.class, ImageBuild::new, ImageBuildSpec.class);
    return new Manifest(build, configMaps, aside);
  }

  private static JsonNode schema(Document work) {
    if (work.isMirror()) {
      return Schemas.imageMirror();
    }
    return work.isPolicy() ? Schemas.prunePolicy() : Schemas.imageBuild();
  }

  private Document document(Tree tree) {
    return Document.of(tree)
        .orElseThrow(
            () ->
                new ManifestException(
                    Code.NotOneBuild,
                    file,
                    tree.place(),
                    "this document is no resource: it needs apiVersion and kind, such as apiVersion: %s and kind: %s"
                        .formatted(Document.BUILD_VERSION, Document.BUILD_KIND)));
  }

  /** The one resource to run. */
  private Document theWork(List<Document> documents) {
    List<Document> works =
        documents.stream()
            .filter(each -> each.isBuild() || each.isMirror() || each.isPolicy())
            .toList();
    if (works.size() == 1) {
      return works.getFirst();
    }
    String found =
        documents.isEmpty()
            ? "the file is empty"
            : documents.stream()
                .map(d -> d.title() + " at line " + d.place().line())
                .collect(Collectors.joining(", ", "found ", ""));
    String wanted =
        "%s, %s or %s (%s)"
            .formatted(
                Document.BUILD_KIND,
                Document.MIRROR_KIND,
                Document.POLICY_KIND,
                Document.BUILD_VERSION);
    throw new ManifestException(
        Code.NotOneBuild,
        file,
        works.isEmpty() ? Place.START : works.get(1).place(),
        works.isEmpty()
            ? "there is no %s to run: %s".formatted(wanted, found)
            : "there is more than one %s: %s; put each into a file of its own"
                .formatted(wanted, found));
  }

  private Map<String, Map<String, byte[]>> configMaps(Document work, List<Document> documents) {
    Map<String, Map<String, byte[]>> configMaps = new LinkedHashMap<>();
    for (Document document : documents) {
      if (document.isConfigMap() && work.isBuild() && sameNamespace(work, document)) {
        configMap(document, configMaps);
      } else if (!document.equals(work)) {
        String reason =
            !work.isBuild()
                ? "only %s is read".formatted(work.kind())
                : document.isConfigMap()
                    ? "it is in another namespace than the ImageBuild"
                    : "only ImageBuild and ConfigMap are read";
        Place at = document.place();
        notes.add(
            "%s:%d:%d: %s is ignored: %s"
                .formatted(file, at.line(), at.column(), document.title(), reason));
      }
    }
    return configMaps;
  }

  private static boolean sameNamespace(Document work, Document other) {
    return work.namespace().isEmpty()
        || other.namespace().isEmpty()
        || work.namespace().equals(other.namespace());
  }

  private void configMap(Document document, Map<String, Map<String, byte[]>> configMaps) {
    problems.addAll(SchemaCheck.problems(document.tree(), Schemas.configMap()));
    name(document);
    Map<String, byte[]> values = ConfigMapDocument.values(document.tree(), problems);
    String name = document.name().orElse("");
    if (configMaps.put(name, values) != null) {
      problems.add(
          new Problem(
              document.place(),
              "ConfigMap \"%s\" is there already: remove one of them".formatted(name)));
    }
  }

  private void name(Document document) {
    document
        .tree()
        .field("metadata")
        .flatMap(metadata -> metadata.field("name"))
        .ifPresent(
            name -> {
              String text = name.text().orElse("");
              if (!text.isEmpty() && !NAME.matcher(text).matches()) {
                problems.add(
                    new Problem(
                        name.place(),
                        "metadata.name must be lower case letters, digits, '-' and '.', with a letter or digit at both ends and beside each '.'"));
              }
            });
  }

  /** A resource without its status. */
  private record Parts<S>(ObjectMeta metadata, S spec) {}

  private <R extends KilnResource<S, T>, S extends Record, T> R resource(
      Document work, Class<R> type, Supplier<R> made, Class<S> specType) {
    Parts<S> parts = parts(work, type, specType);
    R resource = made.get();
    resource.setMetadata(parts.metadata());
    resource.setSpec(parts.spec());
    return resource;
  }

  private <R extends KilnResource<S, T>, S extends Record, T> Parts<S> parts(
      Document work, Class<R> type, Class<S> specType) {
    ObjectNode json = (ObjectNode) work.tree().json();
    Optional<ObjectMeta> metadata = PlainValues.metadata(json.path("metadata"));
    Optional<S> spec = PlainValues.read(json.path("spec"), specType);
    if (metadata.isPresent() && spec.isPresent()) {
      return new Parts<>(metadata.get(), spec.get());
    }
    R resource = byMapper(work, json, type);
    return new Parts<>(resource.getMetadata(), resource.getSpec());
  }

  private <R extends KilnResource<S, T>, S, T> R byMapper(
      Document work, ObjectNode json, Class<R> type) {
    json.remove("status");
    try {
      R resource = Json.mapper().treeToValue(json, type);
      Optional<String> why = resource.unreadable();
      if (why.isPresent()) {
        throw unreadable(work, why.get());
      }
      return resource;
    } catch (JsonProcessingException e) {
      throw unreadable(work, e.getOriginalMessage());
    }
  }

  private ManifestException unreadable(Document build, String why) {
    return new ManifestException(
        Code.FieldInvalid,
        file,
        List.of(
            new Problem(
                build.place(), "a value that the schema allows but cannot be read: " + why)));
  }
}
