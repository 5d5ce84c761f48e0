package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads an ImageBuild whatever its spec and status hold: an informer that meets one object which it
 * cannot read stops, and with it the builds of everyone. A spec is read as a whole or not at all;
 * of a status, which Kiln itself writes anew, what another release wrote is left out.
 */
final class ImageBuildReader extends JsonDeserializer<ImageBuild> {
  private static final ObjectMapper SPEC = JsonMapper.builder().build();

  private static final ObjectMapper STATUS =
      JsonMapper.builder()
          .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  @Override
  public ImageBuild deserialize(JsonParser parser, DeserializationContext context)
      throws IOException {
    var tree = context.readTree(parser);
    var build = new ImageBuild();
    if (tree.hasNonNull("metadata")) {
      build.setMetadata(context.readTreeAsValue(tree.get("metadata"), ObjectMeta.class));
    }
    if (tree.hasNonNull("spec")) {
      readSpec(build, tree.get("spec"));
    }
    if (tree.hasNonNull("status")) {
      build.setStatus(status(tree.get("status").deepCopy()));
    }
    return build;
  }

  private static void readSpec(ImageBuild build, JsonNode tree) {
    try {
      var spec = Objects.requireNonNull(SPEC.treeToValue(tree, ImageBuildSpec.class));
      checkQuantities(spec);
      build.setSpec(spec);
    } catch (JsonMappingException e) {
      build.setUnreadable(tree, "%s cannot be read: %s".formatted(at(e), e.getOriginalMessage()));
    } catch (JsonProcessingException | RuntimeException e) {
      build.setUnreadable(tree, "spec cannot be read: " + e.getMessage());
    }
  }

  /** fabric8 takes any text for a quantity, and fails when two of them are compared. */
  private static void checkQuantities(ImageBuildSpec spec) throws JsonMappingException {
    if (spec.workspace() != null && spec.workspace().size() != null) {
      check("workspace.size", spec.workspace().size());
    }
    var pod = spec.podTemplate();
    var resources =
        pod == null || pod.resources() == null ? new ResourceRequirements() : pod.resources();
    for (var of :
        List.of(
            Map.entry("limits", orNone(resources.getLimits())),
            Map.entry("requests", orNone(resources.getRequests())))) {
      for (var quantity : of.getValue().entrySet()) {
        check(
            "podTemplate.resources.%s.%s".formatted(of.getKey(), quantity.getKey()),
            quantity.getValue());
      }
    }
  }

  private static Map<String, Quantity> orNone(@Nullable Map<String, Quantity> quantities) {
    return quantities == null ? Map.of() : quantities;
  }

  private static void check(String field, @Nullable Quantity quantity) throws JsonMappingException {
    try {
      Objects.requireNonNull(quantity, "it is null").getNumericalAmount();
    } catch (RuntimeException e) {
      var wrong =
          new JsonMappingException(
              null, "\"%s\" is no quantity such as 500m, 2 or 4Gi".formatted(quantity));
      List.of(field.split("[.]", 4))
          .reversed()
          .forEach(name -> wrong.prependPath(ImageBuildSpec.class, name));
      throw wrong;
    }
  }

  /** Reads a status without the parts that cannot be read, if there are any. */
  private static @Nullable ImageBuildStatus status(JsonNode tree) {
    while (true) {
      try {
        return STATUS.treeToValue(tree, ImageBuildStatus.class);
      } catch (JsonMappingException e) {
        if (!remove(tree, e.getPath())) {
          return null;
        }
      } catch (JsonProcessingException | RuntimeException e) {
        return null;
      }
    }
  }

  /** Takes away what a path leads to; false if there is no such thing. */
  private static boolean remove(JsonNode tree, List<JsonMappingException.Reference> path) {
    if (path.isEmpty()) {
      return false;
    }
    var parent = tree;
    for (var step : path.subList(0, path.size() - 1)) {
      parent = step.getFieldName() == null ? parent.path(step.getIndex()) : field(parent, step);
    }
    var last = path.getLast();
    return switch (parent) {
      case ObjectNode object -> object.remove(last.getFieldName()) != null;
      case ArrayNode array -> array.remove(last.getIndex()) != null;
      default -> false;
    };
  }

  private static JsonNode field(JsonNode parent, JsonMappingException.Reference step) {
    return parent.path(step.getFieldName());
  }

  private static String at(JsonMappingException e) {
    return e.getPath().stream()
        .map(
            step ->
                step.getFieldName() == null
                    ? "[" + step.getIndex() + "]"
                    : "." + step.getFieldName())
        .collect(Collectors.joining("", "spec", ""));
  }
}
