import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.ConstantPoolSharingOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Gives the classes of a jar that was made for Java 5 the format of Java 17, with the stack maps
 * that the format has had since Java 6. An AOT cache leaves out classes without them, so a JVM
 * parses and verifies each at every start. The code stays what it is.
 *
 * <p>{@code java ModernClasses.java JAR}: rewrites the jar in place; of a jar that has no such
 * class nothing changes.
 */
final class ModernClasses {
  /** The first format whose classes are verified by stack maps alone (JVM specification 4.10). */
  private static final int FIRST_WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

  private ModernClasses() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      System.err.println("usage: java ModernClasses.java JAR");
      System.exit(2);
    }
    Path jar = Path.of(arguments[0]);
    Map<JarEntry, byte[]> entries = read(jar);
    ClassFile format = format(entries);
    boolean changed = false;
    for (var entry : entries.entrySet()) {
      if (entry.getKey().getName().endsWith(".class")) {
        ClassModel model = format.parse(entry.getValue());
        if (model.majorVersion() < FIRST_WITH_STACK_MAPS) {
          entry.setValue(format.transformClass(model, ModernClasses::modern));
          changed = true;
        }
      }
    }
    if (changed) {
      write(jar, entries);
    }
  }

  private static void modern(ClassBuilder builder, ClassElement element) {
    if (element instanceof ClassFileVersion) {
      builder.withVersion(ClassFile.JAVA_17_VERSION, 0);
    } else {
      builder.with(element);
    }
  }

  private static Map<JarEntry, byte[]> read(Path jar) throws IOException {
    Map<JarEntry, byte[]> entries = new LinkedHashMap<>();
    try (JarFile file = new JarFile(jar.toFile())) {
      for (JarEntry entry : Collections.list(file.entries())) {
        try (InputStream content = file.getInputStream(entry)) {
          entries.put(entry, content.readAllBytes());
        }
      }
    }
    return entries;
  }

  /** Stack maps need to know which class is whose superclass: the jar's own, then the JDK's. */
  private static ClassFile format(Map<JarEntry, byte[]> entries) {
    Map<String, byte[]> byName = new LinkedHashMap<>();
    entries.forEach((entry, content) -> byName.put(entry.getName(), content));
    ClassHierarchyResolver own =
        ClassHierarchyResolver.ofResourceParsing(
            type -> {
              String descriptor = type.descriptorString();
              byte[] content =
                  byName.get(descriptor.substring(1, descriptor.length() - 1) + ".class");
              return content == null ? null : new ByteArrayInputStream(content);
            });
    return ClassFile.of(
        StackMapsOption.GENERATE_STACK_MAPS,
        // Else code is copied as it is, without the maps.
        ConstantPoolSharingOption.NEW_POOL,
        ClassHierarchyResolverOption.of(
            own.orElse(
                ClassHierarchyResolver.ofClassLoading(ClassLoader.getSystemClassLoader()))));
  }

  private static void write(Path jar, Map<JarEntry, byte[]> entries) throws IOException {
    Path unfinished = jar.resolveSibling(jar.getFileName() + ".new");
    try (OutputStream file = Files.newOutputStream(unfinished);
        JarOutputStream out = new JarOutputStream(file)) {
      for (var entry : entries.entrySet()) {
        JarEntry copy = new JarEntry(entry.getKey().getName());
        copy.setTime(entry.getKey().getTime());
        out.putNextEntry(copy);
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    Files.move(unfinished, jar, StandardCopyOption.REPLACE_EXISTING);
  }
}
