/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_ARRAY_H
#define TOOLS_ARRAY_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
