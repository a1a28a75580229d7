/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Zeroed memory that the kernel provides page by page, in huge pages if asked, or an end with one line that says why not. */
#ifndef BASELINE_MEMORY_H
#define BASELINE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

static const char *program_name = "baseline";

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

/* Aligned to a huge page, so that it can be made of them. Never given back: it serves until the program ends. */
static inline void *map_memory(size_t bytes, bool huge_pages)
{
	uint8_t *memory = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("no %zu MiB of memory", bytes >> 20);
	memory += -(uintptr_t)memory & (HUGE_PAGE_BYTES - 1);
	if (huge_pages && madvise(memory, bytes, MADV_HUGEPAGE))
		die("--huge-pages: this kernel has no transparent huge pages");
	return memory;
}

#endif
